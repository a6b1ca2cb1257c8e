-- Nothing is ever looked for by these columns: what the database learns about their values would be thrown away, and
-- learning it means reading and sorting thousands of events each time the log has grown by a tenth.
ALTER TABLE main_event ALTER COLUMN header SET STATISTICS 0, ALTER COLUMN leaf SET STATISTICS 0,
  ALTER COLUMN salt SET STATISTICS 0, ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN sealed SET STATISTICS 0,
  ALTER COLUMN fingerprint SET STATISTICS 0, ALTER COLUMN request_events SET STATISTICS 0;
ALTER TABLE access_event ALTER COLUMN header SET STATISTICS 0, ALTER COLUMN leaf SET STATISTICS 0,
  ALTER COLUMN salt SET STATISTICS 0, ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN sealed SET STATISTICS 0,
  ALTER COLUMN fingerprint SET STATISTICS 0, ALTER COLUMN request_events SET STATISTICS 0;
