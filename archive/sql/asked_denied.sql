-- Ids that ended as absent in a channel of a run, and whose last state in another channel, or in this one before, is read
-- (SQLite), one row: found, identifier (the first), channels. Local ids; `local_id` is a function of ours.
-- Parameters: run, channel.
WITH absent AS (
        SELECT local_id(identifier) AS id
        FROM (SELECT o.identifier, o.state, max(o.outcome)
              FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
              WHERE r.run = :run AND r.channel = :channel
              GROUP BY o.identifier)
        WHERE state = 'absent'),
     others AS (
        SELECT r.channel, local_id(o.identifier) AS id, o.state, max(o.outcome)
        FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
        WHERE (r.run <> :run OR r.channel <> :channel) AND local_id(o.identifier) IN (SELECT id FROM absent)
        GROUP BY r.channel, o.identifier)
SELECT count(DISTINCT id) AS found, min(id) AS identifier, group_concat(DISTINCT c.name) AS channels
FROM others JOIN channels AS c USING (channel)
WHERE state = 'read';
