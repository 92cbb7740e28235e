-- The newest list of the files of some ids (SQLite): identifier, run, listed, left_out, at.
-- Parameters: identifiers (a JSON array).
SELECT identifier, max(run) AS run, listed, left_out, at
FROM filelists WHERE identifier IN (SELECT value FROM json_each(:identifiers))
GROUP BY identifier
ORDER BY identifier;
