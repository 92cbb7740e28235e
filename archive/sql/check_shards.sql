-- Shards whose rows differ between two indexes, attached as `held` and `made`: shard, found (in held), expected.
-- {table} is versions or repeats. Rows are compared by the sum of their hashes, whatever their order.
WITH found AS (SELECT shard, count(*) AS rows_, sum(hash(t)::HUGEINT) AS hashes FROM held.{table} AS t GROUP BY shard),
     expected AS (SELECT shard, count(*) AS rows_, sum(hash(t)::HUGEINT) AS hashes FROM made.{table} AS t GROUP BY shard)
SELECT shard, coalesce(found.rows_, 0) AS found, coalesce(expected.rows_, 0) AS expected
FROM found FULL JOIN expected USING (shard)
WHERE (found.rows_, found.hashes) IS DISTINCT FROM (expected.rows_, expected.hashes)
ORDER BY shard;
