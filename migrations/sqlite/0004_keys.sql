-- Keys of people, wrapped; a database of its own on SQLite, and wherever --keys says. Erasing a person deletes rows here
-- and nowhere else.

-- A person's key, wrapped with the key of an epoch.
CREATE TABLE data_key (
  subject    BLOB NOT NULL,
  version    INTEGER NOT NULL,
  epoch      INTEGER NOT NULL,
  wrapped    BLOB NOT NULL,
  commitment BLOB NOT NULL,
  PRIMARY KEY (subject, version)
);

-- What remains of a destroyed key: enough to know that it was, and which one.
CREATE TABLE key_tombstone (
  subject      BLOB NOT NULL,
  version      INTEGER NOT NULL,
  commitment   BLOB NOT NULL,
  destroyed_us INTEGER NOT NULL,
  PRIMARY KEY (subject, version)
);

-- Exact look-up by keyed tokens. An identity number belongs to one person; it is claimed before the person is on file.
CREATE TABLE lookup (
  kind       TEXT NOT NULL,
  token      BLOB NOT NULL,
  person     TEXT NOT NULL,
  claimed_us INTEGER NOT NULL,
  PRIMARY KEY (kind, token, person)
);
CREATE INDEX lookup_person ON lookup (person);
CREATE UNIQUE INDEX lookup_id_number ON lookup (token) WHERE kind = 'ID_NUMBER';

-- Every time a person's key was unwrapped, and the access record that allowed it.
CREATE TABLE key_opening (
  position INTEGER NOT NULL,
  subject  BLOB NOT NULL,
  PRIMARY KEY (position, subject)
);

-- The keyring, when it is not kept in a file of its own.
CREATE TABLE keyring (
  id     INTEGER PRIMARY KEY,
  stored BLOB NOT NULL
);
