-- Keys of sealed people: encrypted to two holders, one inside the other, so that nobody opens them alone.
CREATE TABLE sealed_key (
  subject    BYTEA NOT NULL,
  version    BIGINT NOT NULL,
  commitment BYTEA NOT NULL,
  wrapped    BYTEA NOT NULL,
  PRIMARY KEY (subject, version)
);

-- Whom they are encrypted to: the first inside, the second outside.
CREATE TABLE key_holder (
  place     BIGINT PRIMARY KEY,
  recipient TEXT NOT NULL
);

-- Sealings that are about to be decided: what is still here after a crash is finished.
CREATE TABLE seal_intent (
  person   TEXT PRIMARY KEY,
  since_us BIGINT NOT NULL
);
