-- How the ids of a channel ended in a run (SQLite), one row: ids; unseen (absent or closed, so that they show no record).
-- Parameters: run, channel.
SELECT count(*) AS ids,
       count(*) FILTER (WHERE state IN ('absent', 'forbidden')
                        OR (state = 'deleted' AND reason LIKE 'HTTP status 410 with %')) AS unseen
FROM (SELECT o.identifier, o.state, o.reason, max(o.outcome)
      FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
      WHERE r.run = :run AND r.channel = :channel
      GROUP BY o.identifier);
