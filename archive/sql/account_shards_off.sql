-- Shards that are not the sum of their frames (SQLite): shard, run, records, records_found, frames,
-- frames_found, content_bytes, content_found.
-- Parameters: run (NULL is each of them), limit.
SELECT s.name AS shard, s.run, s.records, coalesce(sum(f.records), 0) AS records_found, s.frames,
       count(f.frame) AS frames_found,
       s.content_bytes, coalesce(sum(f.content_bytes), 0) AS content_found
FROM shards AS s LEFT JOIN frames AS f USING (shard)
WHERE :run IS NULL OR s.run = :run
GROUP BY s.shard
HAVING s.records <> records_found OR s.frames <> frames_found OR s.content_bytes <> content_found
ORDER BY s.shard
LIMIT :limit;
