-- What is kept of files (SQLite), one row: contents, bytes.
SELECT count(*) AS contents, coalesce(sum(bytes), 0) AS bytes FROM contents;
