-- The two logs. Each has its own positions and its own tree; both have the same shape.
-- Rows of *_event, *_stream and *_tile are inserted once and never changed.

CREATE TABLE main_event (
  position       BIGINT PRIMARY KEY CHECK (position > 0),
  stream         BIGINT NOT NULL,
  revision       BIGINT NOT NULL CHECK (revision >= 0),
  header         BYTEA NOT NULL,
  leaf           BYTEA NOT NULL,
  salt           BYTEA NOT NULL,
  body           BYTEA NOT NULL,
  sealed         BYTEA,
  -- Set on the first event of an append that carried a request id.
  request        BYTEA,
  fingerprint    BYTEA,
  request_events BIGINT
);
CREATE UNIQUE INDEX main_event_stream ON main_event (stream, revision);
CREATE UNIQUE INDEX main_event_request ON main_event (request) WHERE request IS NOT NULL;

CREATE TABLE main_stream (
  stream BIGINT PRIMARY KEY,
  name   TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX main_stream_name ON main_stream (name);

CREATE TABLE main_tile (
  level  BIGINT NOT NULL,
  number BIGINT NOT NULL,
  hashes BYTEA NOT NULL,
  root   BYTEA NOT NULL,
  PRIMARY KEY (level, number)
);

CREATE TABLE main_tree (
  id       BIGINT PRIMARY KEY CHECK (id = 1),
  size     BIGINT NOT NULL,
  frontier BYTEA NOT NULL,
  root     BYTEA NOT NULL,
  -- Writer start-ups so far; writing it is also the durability barrier after a reconnect.
  epoch    BIGINT NOT NULL
);
INSERT INTO main_tree (id, size, frontier, root, epoch) VALUES (1, 0, ''::bytea, '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'::bytea, 0);

CREATE TABLE access_event (
  position       BIGINT PRIMARY KEY CHECK (position > 0),
  stream         BIGINT NOT NULL,
  revision       BIGINT NOT NULL CHECK (revision >= 0),
  header         BYTEA NOT NULL,
  leaf           BYTEA NOT NULL,
  salt           BYTEA NOT NULL,
  body           BYTEA NOT NULL,
  sealed         BYTEA,
  -- Set on the first event of an append that carried a request id.
  request        BYTEA,
  fingerprint    BYTEA,
  request_events BIGINT
);
CREATE UNIQUE INDEX access_event_stream ON access_event (stream, revision);
CREATE UNIQUE INDEX access_event_request ON access_event (request) WHERE request IS NOT NULL;

CREATE TABLE access_stream (
  stream BIGINT PRIMARY KEY,
  name   TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX access_stream_name ON access_stream (name);

CREATE TABLE access_tile (
  level  BIGINT NOT NULL,
  number BIGINT NOT NULL,
  hashes BYTEA NOT NULL,
  root   BYTEA NOT NULL,
  PRIMARY KEY (level, number)
);

CREATE TABLE access_tree (
  id       BIGINT PRIMARY KEY CHECK (id = 1),
  size     BIGINT NOT NULL,
  frontier BYTEA NOT NULL,
  root     BYTEA NOT NULL,
  -- Writer start-ups so far; writing it is also the durability barrier after a reconnect.
  epoch    BIGINT NOT NULL
);
INSERT INTO access_tree (id, size, frontier, root, epoch) VALUES (1, 0, ''::bytea, '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'::bytea, 0);
