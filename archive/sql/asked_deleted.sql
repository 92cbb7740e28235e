-- The ids that OAI-PMH lists as deleted (SQLite): id, datestamp. Of several headers the newest datestamp counts; on a tie
-- the id lives. Local ids; `local_id` is a function of ours.
WITH listed AS (
    SELECT o.identifier, max(iif(o.state = 'deleted', coalesce(o.datestamp, ''), NULL)) AS gone,
           max(iif(o.state = 'read', coalesce(o.datestamp, ''), NULL)) AS live
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE o.state IN ('read', 'deleted')
      AND r.channel IN (SELECT channel FROM channels WHERE name LIKE 'oaipmh:%' OR name LIKE 'census:%')
    GROUP BY o.identifier)
SELECT local_id(identifier) AS id, gone AS datestamp
FROM listed
WHERE gone IS NOT NULL AND (live IS NULL OR gone > live);
