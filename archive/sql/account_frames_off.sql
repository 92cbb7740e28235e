-- Frames that hold another number of records than there are outcomes for them (SQLite): shard, run, frame, records,
-- found.
-- Parameters: run (NULL is each of them), limit.
WITH counted AS (
    SELECT f.shard, f.frame, f.records,
           (SELECT count(*) FROM outcomes AS o CROSS JOIN requests AS r CROSS JOIN runs
            WHERE o.outcome BETWEEN f.first_outcome AND f.last_outcome AND o.state IN ('read', 'deleted')
              AND o.reason IS NOT 'not modified'
              AND r.request = o.request AND runs.run = r.run AND runs.mode <> 'census') AS found
    FROM frames AS f JOIN shards USING (shard)
    WHERE :run IS NULL OR shards.run = :run)
SELECT s.name AS shard, s.run, frame, counted.records, found
FROM counted JOIN shards AS s USING (shard)
WHERE counted.records <> found
ORDER BY counted.shard, frame
LIMIT :limit;
