-- What the ledger has of the files of records (SQLite), behind one row, in their order.
-- Parameters: after.
SELECT file, run, identifier, key, url, size, checksum, media_type, version, state, reason, sha256, bytes, at
FROM files
WHERE file > :after
ORDER BY file;
