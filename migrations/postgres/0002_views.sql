-- Views: folds of the main log. Everything here can be dropped and rebuilt.

-- One row a generation of a view; a rebuild fills a new generation beside the one that answers.
CREATE TABLE view_generation (
  generation BIGINT PRIMARY KEY,
  view       TEXT COLLATE "C" NOT NULL,
  version    BIGINT NOT NULL,
  state      TEXT COLLATE "C" NOT NULL,
  position   BIGINT NOT NULL,
  failure    TEXT COLLATE "C" NOT NULL
);

-- A document version holds from from_position until the next version of the same document; an empty body: none.
CREATE TABLE view_document (
  generation    BIGINT NOT NULL,
  id            TEXT COLLATE "C" NOT NULL,
  from_position BIGINT NOT NULL,
  body          BYTEA NOT NULL
);
CREATE UNIQUE INDEX view_document_version ON view_document (generation, id, from_position);

-- A look-up key of a document, valid in [from_position, to_position).
CREATE TABLE view_key (
  generation    BIGINT NOT NULL,
  name          BIGINT NOT NULL,
  value         TEXT COLLATE "C" NOT NULL,
  id            TEXT COLLATE "C" NOT NULL,
  from_position BIGINT NOT NULL,
  to_position   BIGINT NOT NULL,
  PRIMARY KEY (generation, name, value, id, from_position)
);
