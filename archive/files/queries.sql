-- Queries of archive.files, in alphabetical order. archive/queries.py reads this file.

-- name: add_content
-- Add a stored content unless it is known: sha256, sha512, bytes.
INSERT OR IGNORE INTO contents VALUES (?, ?, ?);

-- name: add_file
-- Add a file of a record in one state, in the order of the columns.
INSERT INTO files (run, identifier, key, url, size, checksum, media_type, version, state, reason, sha256, bytes, etag, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_filelist
-- Add the list of files of a record: run, identifier, version, state, reason, at.
INSERT INTO filelists VALUES (?, ?, ?, ?, ?, ?);

-- name: files_account
-- How the files of each run ended (SQLite), in the order of the runs: run, listed (as their records list them), left_out,
-- then how many are in each state, and the bytes of those read. The state of a file is that of its last row.
WITH ended AS (
    SELECT run, state, bytes, max(file) FROM files GROUP BY run, identifier, key),
counted AS (
    SELECT run, count(*) FILTER (WHERE state = 'read') AS read, count(*) FILTER (WHERE state = 'absent') AS absent,
           count(*) FILTER (WHERE state = 'forbidden') AS forbidden, count(*) FILTER (WHERE state = 'refused') AS refused,
           count(*) FILTER (WHERE state = 'lost') AS lost, count(*) FILTER (WHERE state = 'open') AS open,
           coalesce(sum(bytes) FILTER (WHERE state = 'read'), 0) AS bytes
    FROM ended GROUP BY run),
stated AS (
    SELECT run, sum(listed) AS listed, sum(left_out) AS left_out FROM filelists GROUP BY run)
SELECT runs.run, coalesce(listed, 0), coalesce(left_out, 0), coalesce(read, 0), coalesce(absent, 0),
       coalesce(forbidden, 0), coalesce(refused, 0), coalesce(lost, 0), coalesce(open, 0), coalesce(bytes, 0)
FROM runs LEFT JOIN counted USING (run) LEFT JOIN stated USING (run)
WHERE runs.spider = 'files' OR listed IS NOT NULL OR read IS NOT NULL
ORDER BY runs.run;

-- name: files_contents
-- What is kept of files (SQLite), one row: contents, bytes.
SELECT count(*) AS contents, coalesce(sum(bytes), 0) AS bytes FROM contents;

-- name: files_held_checksum
-- A content that came with a checksum and had it (SQLite): sha256, bytes.
-- Parameters: checksum; size (NULL: not stated).
SELECT sha256, bytes FROM files
WHERE checksum = :checksum AND state = 'read' AND (:size IS NULL OR bytes = :size)
ORDER BY file DESC
LIMIT 1;

-- name: files_held_version
-- The content of a file that has no checksum (SQLite), when nothing about it changed since it was read: sha256, bytes.
-- Parameters: identifier, key, url, size (NULL: not stated), version ('': the record says nothing of its version).
SELECT sha256, bytes FROM files
WHERE identifier = :identifier AND key = :key AND state = 'read' AND url = :url AND size IS :size
  AND version = :version AND version <> ''
ORDER BY file DESC
LIMIT 1;

-- name: files_listed
-- How many files the records of a run list (SQLite): listed.
-- Parameters: run.
SELECT coalesce(sum(listed), 0) AS listed FROM filelists WHERE run = ?;

-- name: files_listing
-- The outcome whose record gave the list of its files (SQLite): outcome. No row: not listed in this run.
-- Parameters: run, identifier.
SELECT outcome FROM filelists WHERE run = ? AND identifier = ?;

-- name: files_off
-- Records whose list of files is not what is counted (SQLite): run, identifier, listed, found.
-- Parameters: limit.
WITH found AS (
    SELECT run, identifier, count(DISTINCT key) AS found FROM files GROUP BY run, identifier)
SELECT run, identifier, coalesce(listed, 0) AS listed, coalesce(found, 0) AS found
FROM filelists FULL JOIN found USING (run, identifier)
WHERE coalesce(listed, 0) <> coalesce(found, 0)
ORDER BY run, identifier
LIMIT :limit;

-- name: files_stored
-- Contents that some file has (SQLite), once each: sha256, sha512, bytes.
SELECT sha256, sha512, bytes FROM contents ORDER BY sha256;

-- name: files_unnamed
-- When no record of a run says which files it has (SQLite): how many are in which form: format, records. No row where one
-- does, or where a list is not read to its end, or when the run says so already.
-- Parameters: run.
SELECT c.format, sum(f.found) AS records
FROM findings AS f JOIN channels AS c USING (channel)
WHERE f.run = :run AND f.code = 'form-without-files'
  AND NOT EXISTS (SELECT 1 FROM filelists WHERE run = :run)
  AND NOT EXISTS (SELECT 1 FROM windows
                  WHERE run = :run AND coalesce("end", '') NOT IN ('no files named', 'no live records'))
  AND NOT EXISTS (SELECT 1 FROM findings WHERE run = :run AND code = 'files-unnamed')
GROUP BY c.format
ORDER BY c.format;

-- name: files_unsettled
-- Files of a record that a run has not settled (SQLite), in the order they were listed: the fields of a row.
-- Parameters: run, identifier.
SELECT identifier, key, url, size, checksum, media_type, version, state, reason, sha256, bytes, etag
FROM files
WHERE file IN (SELECT max(file) FROM files WHERE identifier = :identifier AND run = :run GROUP BY key)
  AND state IN ('open', 'lost')
ORDER BY file;
