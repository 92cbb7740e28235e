-- Sealed shards (SQLite), in their order: shard, name, bytes, crosswalks (JSON: the versions that the software of its run
-- had; NULL when it says nothing).
SELECT s.shard, s.name, s.bytes, r.software -> '$.crosswalks'
FROM shards AS s JOIN runs AS r USING (run)
WHERE s.state = 'sealed'
ORDER BY s.shard;
