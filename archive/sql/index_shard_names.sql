-- Names of the shards that hold records, in the order of their outcomes.
SELECT s.name
FROM shards AS s JOIN frames AS f USING (shard)
GROUP BY s.shard, s.name
ORDER BY min(f.first_outcome);
