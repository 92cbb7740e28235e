-- Whether a run found any id of a channel deleted, absent or forbidden (SQLite): 0 or 1.
-- Parameters: run, channel.
SELECT EXISTS (
    SELECT 1 FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run = :run AND r.channel = :channel AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
      AND o.state IN ('deleted', 'absent', 'forbidden'));
