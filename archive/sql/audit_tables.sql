-- What an audit compares: every outcome of the archive, and every id that its target names.
-- `place` orders the rows of one id: the last one counts.
CREATE TABLE outcomes (channel VARCHAR, identifier VARCHAR, datestamp VARCHAR, state VARCHAR, place BIGINT);
CREATE TABLE wanted (channel VARCHAR, identifier VARCHAR, datestamp VARCHAR, deleted BOOLEAN, place BIGINT);
