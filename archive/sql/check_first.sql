-- The identifier of the first record of a shard that differs between two indexes, attached as `held` and `made`.
-- {table} is versions or repeats. Parameters: shard.
WITH found AS (SELECT outcome, identifier, hash(t) AS of_row FROM held.{table} AS t WHERE shard = $shard),
     expected AS (SELECT outcome, identifier, hash(t) AS of_row FROM made.{table} AS t WHERE shard = $shard)
SELECT coalesce(found.identifier, expected.identifier)
FROM found FULL JOIN expected USING (outcome)
WHERE found.of_row IS DISTINCT FROM expected.of_row
ORDER BY outcome
LIMIT 1;
