-- Queries of archive.profiles, in alphabetical order. archive/queries.py reads this file.

-- name: live_places
-- Where the latest version of each live record is (index), frame by frame in the order of the shards: name and state (of
-- the shard), frame, offset and bytes (of the frame in it), positions (of the records in the frame, a list).
SELECT shards.name, shards.state, frames.frame, frames."offset", frames.bytes, list(records.position)
FROM records JOIN frames USING (shard, frame) JOIN shards ON shards.shard = frames.shard
WHERE NOT records.deleted
GROUP BY frames.shard, shards.name, shards.state, frames.frame, frames."offset", frames.bytes
ORDER BY frames.shard, frames.frame;

-- name: profile_frames
-- Frames of a release's live records, in their order: part, frame, records (their number).
-- Parameters: path (of its index.parquet).
SELECT part, frame, count(*)
FROM read_parquet($path)
WHERE NOT deleted
GROUP BY part, frame
ORDER BY part, frame;
