-- Records whose list of files is not what is counted (SQLite): run, identifier, listed, found.
-- Parameters: limit.
WITH found AS (
    SELECT run, identifier, count(DISTINCT key) AS found FROM files GROUP BY run, identifier)
SELECT run, identifier, coalesce(listed, 0) AS listed, coalesce(found, 0) AS found
FROM filelists FULL JOIN found USING (run, identifier)
WHERE coalesce(listed, 0) <> coalesce(found, 0)
ORDER BY run, identifier
LIMIT :limit;
