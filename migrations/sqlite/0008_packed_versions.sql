-- Versions after the first that a row holds, each as what it changes of the one before; null when there is none.
ALTER TABLE view_document ADD COLUMN later BLOB;
