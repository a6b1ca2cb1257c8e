-- What proves who somebody is: digests of secrets, never the secrets.
CREATE TABLE credential (
  principal TEXT PRIMARY KEY,
  verifier  BLOB NOT NULL
);
