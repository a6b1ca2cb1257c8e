-- Keys of people, wrapped; a database of its own on SQLite, and wherever --keys says. Erasing a person deletes rows here
-- and nowhere else.

-- A person's key, wrapped with the key of an epoch.
CREATE TABLE data_key (
  subject    BYTEA NOT NULL,
  version    BIGINT NOT NULL,
  epoch      BIGINT NOT NULL,
  wrapped    BYTEA NOT NULL,
  commitment BYTEA NOT NULL,
  PRIMARY KEY (subject, version)
);

-- What remains of a destroyed key: enough to know that it was, and which one.
CREATE TABLE key_tombstone (
  subject      BYTEA NOT NULL,
  version      BIGINT NOT NULL,
  commitment   BYTEA NOT NULL,
  destroyed_us BIGINT NOT NULL,
  PRIMARY KEY (subject, version)
);

-- Exact look-up by keyed tokens. An identity number belongs to one person; it is claimed before the person is on file.
CREATE TABLE lookup (
  kind       TEXT NOT NULL,
  token      BYTEA NOT NULL,
  person     TEXT NOT NULL,
  claimed_us BIGINT NOT NULL,
  PRIMARY KEY (kind, token, person)
);
CREATE INDEX lookup_person ON lookup (person);
CREATE UNIQUE INDEX lookup_id_number ON lookup (token) WHERE kind = 'ID_NUMBER';

-- Every time a person's key was unwrapped, and the access record that allowed it.
CREATE TABLE key_opening (
  position BIGINT NOT NULL,
  subject  BYTEA NOT NULL,
  PRIMARY KEY (position, subject)
);

-- The keyring, when it is not kept in a file of its own.
CREATE TABLE keyring (
  id     BIGINT PRIMARY KEY,
  stored BYTEA NOT NULL
);
