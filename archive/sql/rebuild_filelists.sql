-- Lists of files of the old ledger (attached as old) that can be read whole, of records that are here (SQLite).
INSERT OR IGNORE INTO main.filelists (run, identifier, outcome, listed, left_out, at)
SELECT l.run, l.identifier, max(o.outcome), l.listed, l.left_out, l.at
FROM old.filelists AS l
JOIN main.runs AS r ON r.run = l.run
JOIN main.outcomes AS o ON o.identifier = l.identifier
WHERE l.listed = (SELECT count(DISTINCT f.key) FROM old.files AS f WHERE f.run = l.run AND f.identifier = l.identifier)
GROUP BY l.run, l.identifier;
