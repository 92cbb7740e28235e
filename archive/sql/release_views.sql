-- What can be asked of a release without an index of it: its index.parquet, with the names that an index has.
-- {path} is where it is.
CREATE VIEW records AS
    SELECT identifier, format, try_cast(datestamp AS TIMESTAMP) AS datestamp, deleted, datestamp AS stamp, part, frame,
           "offset", length, position, sha256
    FROM read_parquet('{path}');
