-- The outcome whose record gave the list of its files (SQLite): outcome. No row: not listed in this run.
-- Parameters: run, identifier.
SELECT outcome FROM filelists WHERE run = ? AND identifier = ?;
