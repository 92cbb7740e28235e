-- The frames (SQLite) in whose range some outcomes are: outcome, shard, name, state (of the shard), frame, offset, bytes.
-- Parameters: outcomes (their numbers, a JSON array).
SELECT wanted.value AS outcome, f.shard, s.name, s.state, f.frame, f.offset, f.bytes
FROM json_each(:outcomes) AS wanted
     JOIN frames AS f ON wanted.value BETWEEN f.first_outcome AND f.last_outcome
     JOIN shards AS s USING (shard)
ORDER BY wanted.value;
