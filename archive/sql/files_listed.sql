-- How many files the records of a run list (SQLite): listed.
-- Parameters: run.
SELECT coalesce(sum(listed), 0) AS listed FROM filelists WHERE run = ?;
