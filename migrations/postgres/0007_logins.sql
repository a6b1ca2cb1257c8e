-- How people log in: what a password comes to when it is stretched under the keyring, never the password.
CREATE TABLE login (
  principal TEXT PRIMARY KEY,
  salt      BYTEA NOT NULL,
  verifier  BYTEA NOT NULL
);

-- Second factors. The secret is made of the nonce and the keyring; a step's code is taken once.
CREATE TABLE second_factor (
  principal TEXT PRIMARY KEY,
  nonce     BYTEA NOT NULL,
  confirmed BIGINT NOT NULL,
  last_step BIGINT NOT NULL
);

-- Sessions: digests of their secrets.
CREATE TABLE session (
  digest    BYTEA PRIMARY KEY,
  principal TEXT NOT NULL,
  begun_us  BIGINT NOT NULL,
  seen_us   BIGINT NOT NULL
);
CREATE INDEX session_principal ON session (principal);
