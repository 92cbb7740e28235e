-- One row when a version of a file was counted whole (SQLite).
-- Parameters: channel, version.
SELECT 1
FROM windows AS w JOIN runs AS r USING (run)
WHERE w.channel = :channel AND w.from_ = :version AND w.state = 'done' AND w.listed > 0
  AND arguments ->> '$.sample' IS NULL AND arguments ->> '$.shard' IS NULL
LIMIT 1;
