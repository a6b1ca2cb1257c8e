-- Views: folds of the main log. Everything here can be dropped and rebuilt.

-- One row a generation of a view; a rebuild fills a new generation beside the one that answers.
CREATE TABLE view_generation (
  generation INTEGER PRIMARY KEY,
  view       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  state      TEXT NOT NULL,
  position   INTEGER NOT NULL,
  failure    TEXT NOT NULL
);

-- A document version holds from from_position until the next version of the same document; an empty body: none.
CREATE TABLE view_document (
  generation    INTEGER NOT NULL,
  id            TEXT NOT NULL,
  from_position INTEGER NOT NULL,
  body          BLOB NOT NULL
);
CREATE UNIQUE INDEX view_document_version ON view_document (generation, id, from_position);

-- A look-up key of a document, valid in [from_position, to_position).
CREATE TABLE view_key (
  generation    INTEGER NOT NULL,
  name          INTEGER NOT NULL,
  value         TEXT NOT NULL,
  id            TEXT NOT NULL,
  from_position INTEGER NOT NULL,
  to_position   INTEGER NOT NULL,
  PRIMARY KEY (generation, name, value, id, from_position)
) WITHOUT ROWID;
