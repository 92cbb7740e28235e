-- Runs that were complete and have lost something of temp.mended are so no longer (SQLite).
UPDATE runs SET state = 'findings'
WHERE state = 'complete' AND run IN (
    SELECT r.run FROM temp.mended JOIN outcomes AS o USING (outcome) JOIN requests AS r USING (request));
