-- Files of a record that a run has not settled (SQLite), in the order they were listed: the fields of a row.
-- Parameters: run, identifier.
SELECT identifier, key, url, size, checksum, media_type, version, state, reason, sha256, bytes, etag
FROM files
WHERE file IN (SELECT max(file) FROM files WHERE identifier = :identifier AND run = :run GROUP BY key)
  AND state IN ('open', 'lost')
ORDER BY file;
