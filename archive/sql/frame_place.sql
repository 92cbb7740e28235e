-- Where a frame lies. One row: name (of its shard), offset and bytes (in the file).
-- Parameters: shard, frame.
SELECT shards.name, frames."offset", frames.bytes
FROM frames JOIN shards USING (shard)
WHERE frames.shard = $shard AND frames.frame = $frame;
