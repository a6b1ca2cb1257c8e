-- Versions after the first that a row holds, each as what it changes of the one before; null when there is none.
ALTER TABLE view_document ADD COLUMN later BYTEA;
ALTER TABLE view_document ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN later SET STATISTICS 0;
