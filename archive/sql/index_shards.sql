-- What an index holds of each shard with records: shard, name, state, records, sha256, frame (the last), offset, bytes and
-- content_bytes (of that frame).
SELECT s.shard, s.name, s.state, s.records, s.sha256, f.frame, f."offset", f.bytes, f.content_bytes
FROM shards AS s
     JOIN (SELECT shard, max(frame) AS frame FROM frames GROUP BY shard) AS ends ON ends.shard = s.shard
     JOIN frames AS f ON f.shard = s.shard AND f.frame = ends.frame
WHERE s.records > 0
ORDER BY s.shard;
