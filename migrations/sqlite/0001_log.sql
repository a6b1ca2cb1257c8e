-- The two logs. Each has its own positions and its own tree; both have the same shape.
-- Rows of *_event, *_stream and *_tile are inserted once and never changed.

CREATE TABLE main_event (
  position       INTEGER PRIMARY KEY CHECK (position > 0),
  stream         INTEGER NOT NULL,
  revision       INTEGER NOT NULL CHECK (revision >= 0),
  header         BLOB NOT NULL,
  leaf           BLOB NOT NULL,
  salt           BLOB NOT NULL,
  body           BLOB NOT NULL,
  sealed         BLOB,
  -- Set on the first event of an append that carried a request id.
  request        BLOB,
  fingerprint    BLOB,
  request_events INTEGER
);
CREATE UNIQUE INDEX main_event_stream ON main_event (stream, revision);
CREATE UNIQUE INDEX main_event_request ON main_event (request) WHERE request IS NOT NULL;

CREATE TABLE main_stream (
  stream INTEGER PRIMARY KEY,
  name   TEXT NOT NULL
);
CREATE UNIQUE INDEX main_stream_name ON main_stream (name);

CREATE TABLE main_tile (
  level  INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  root   BLOB NOT NULL,
  PRIMARY KEY (level, number)
);

CREATE TABLE main_tree (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  size     INTEGER NOT NULL,
  frontier BLOB NOT NULL,
  root     BLOB NOT NULL,
  -- Writer start-ups so far; writing it is also the durability barrier after a reconnect.
  epoch    INTEGER NOT NULL
);
INSERT INTO main_tree (id, size, frontier, root, epoch) VALUES (1, 0, x'', x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 0);

CREATE TABLE access_event (
  position       INTEGER PRIMARY KEY CHECK (position > 0),
  stream         INTEGER NOT NULL,
  revision       INTEGER NOT NULL CHECK (revision >= 0),
  header         BLOB NOT NULL,
  leaf           BLOB NOT NULL,
  salt           BLOB NOT NULL,
  body           BLOB NOT NULL,
  sealed         BLOB,
  -- Set on the first event of an append that carried a request id.
  request        BLOB,
  fingerprint    BLOB,
  request_events INTEGER
);
CREATE UNIQUE INDEX access_event_stream ON access_event (stream, revision);
CREATE UNIQUE INDEX access_event_request ON access_event (request) WHERE request IS NOT NULL;

CREATE TABLE access_stream (
  stream INTEGER PRIMARY KEY,
  name   TEXT NOT NULL
);
CREATE UNIQUE INDEX access_stream_name ON access_stream (name);

CREATE TABLE access_tile (
  level  INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  root   BLOB NOT NULL,
  PRIMARY KEY (level, number)
);

CREATE TABLE access_tree (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  size     INTEGER NOT NULL,
  frontier BLOB NOT NULL,
  root     BLOB NOT NULL,
  -- Writer start-ups so far; writing it is also the durability barrier after a reconnect.
  epoch    INTEGER NOT NULL
);
INSERT INTO access_tree (id, size, frontier, root, epoch) VALUES (1, 0, x'', x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 0);
