-- The newest records in a frame that are of a channel (SQLite; temp.latest is filled): outcome.
-- Parameters: shard, frame, channel.
SELECT l.outcome
FROM frames AS f JOIN latest AS l ON l.outcome BETWEEN f.first_outcome AND f.last_outcome
WHERE f.shard = :shard AND f.frame = :frame AND l.channel = :channel;
