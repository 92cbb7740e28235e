-- The largest shards, and how well they are compressed.
SELECT name, state, records, frames, bytes, content_bytes, round(content_bytes / nullif(bytes, 0), 2) AS ratio
FROM shards
ORDER BY bytes DESC, shard
LIMIT 50;
