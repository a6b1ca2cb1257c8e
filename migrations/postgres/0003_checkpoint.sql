-- Signed checkpoints that were given out: inserted once and never changed. A note that more witnesses have cosigned is
-- another row.

CREATE TABLE main_checkpoint (
  size      BIGINT NOT NULL,
  witnesses BIGINT NOT NULL,
  note      BYTEA NOT NULL,
  PRIMARY KEY (size, witnesses)
);

CREATE TABLE access_checkpoint (
  size      BIGINT NOT NULL,
  witnesses BIGINT NOT NULL,
  note      BYTEA NOT NULL,
  PRIMARY KEY (size, witnesses)
);
