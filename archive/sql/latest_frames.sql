-- Frames of a shard with newest records of a channel (SQLite; temp.latest is filled): frame, offset, bytes.
-- Parameters: shard, channel.
SELECT frame, offset, bytes
FROM frames AS f
WHERE shard = :shard
  AND EXISTS (SELECT 1 FROM latest AS l
              WHERE l.outcome BETWEEN f.first_outcome AND f.last_outcome AND l.channel = :channel)
ORDER BY frame;
