-- Keys of sealed people: encrypted to two holders, one inside the other, so that nobody opens them alone.
CREATE TABLE sealed_key (
  subject    BLOB NOT NULL,
  version    INTEGER NOT NULL,
  commitment BLOB NOT NULL,
  wrapped    BLOB NOT NULL,
  PRIMARY KEY (subject, version)
);

-- Whom they are encrypted to: the first inside, the second outside.
CREATE TABLE key_holder (
  place     INTEGER PRIMARY KEY,
  recipient TEXT NOT NULL
);

-- Sealings that are about to be decided: what is still here after a crash is finished.
CREATE TABLE seal_intent (
  person   TEXT PRIMARY KEY,
  since_us INTEGER NOT NULL
);
