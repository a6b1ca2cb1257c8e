-- How people log in: what a password comes to when it is stretched under the keyring, never the password.
CREATE TABLE login (
  principal TEXT PRIMARY KEY,
  salt      BLOB NOT NULL,
  verifier  BLOB NOT NULL
);

-- Second factors. The secret is made of the nonce and the keyring; a step's code is taken once.
CREATE TABLE second_factor (
  principal TEXT PRIMARY KEY,
  nonce     BLOB NOT NULL,
  confirmed INTEGER NOT NULL,
  last_step INTEGER NOT NULL
);

-- Sessions: digests of their secrets.
CREATE TABLE session (
  digest    BLOB PRIMARY KEY,
  principal TEXT NOT NULL,
  begun_us  INTEGER NOT NULL,
  seen_us   INTEGER NOT NULL
);
CREATE INDEX session_principal ON session (principal);
