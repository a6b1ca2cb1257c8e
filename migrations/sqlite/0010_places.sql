-- The index of streams becomes a table that the writer fills for 16,384 events at once (log/places.rs): it holds every
-- event up to the last multiple of that.
CREATE TABLE main_place (
  stream   INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (stream, revision)
) WITHOUT ROWID;
INSERT INTO main_place (stream, revision, position)
  SELECT stream, revision, position FROM main_event
  WHERE position <= (SELECT size - size % 16384 FROM main_tree) ORDER BY stream, revision;
DROP INDEX main_event_stream;

CREATE TABLE access_place (
  stream   INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (stream, revision)
) WITHOUT ROWID;
INSERT INTO access_place (stream, revision, position)
  SELECT stream, revision, position FROM access_event
  WHERE position <= (SELECT size - size % 16384 FROM access_tree) ORDER BY stream, revision;
DROP INDEX access_event_stream;
