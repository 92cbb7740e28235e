-- Records for which a run brought no datestamp as new as that of a copy from an earlier run (SQLite): how many, the first
-- identifier. Datestamps are compared as text where they have one length.
-- Parameters: run.
WITH here AS (
    SELECT c.format, o.identifier, max(o.datestamp) AS datestamp
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    JOIN channels AS c ON c.channel = r.channel
    WHERE r.run = :run AND o.state IN ('read', 'deleted')
    GROUP BY c.format, o.identifier)
SELECT count(DISTINCT here.identifier), min(here.identifier)
FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
JOIN channels AS c ON c.channel = r.channel
JOIN here ON here.format = c.format AND here.identifier = o.identifier
WHERE runs.run < :run AND runs.mode <> 'census' AND r.run = runs.run AND o.state IN ('read', 'deleted')
  AND o.datestamp > here.datestamp AND length(o.datestamp) = length(here.datestamp);
