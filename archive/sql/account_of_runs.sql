-- How the ids of each run ended (SQLite): one row a run and channel: run, channel, listed (distinct ids), then how
-- many of them are in each state. The state of an id is what its last outcome in the channel says.
-- Parameters: run (NULL is each of them).
WITH ended AS (
    SELECT r.run, r.channel, o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE (:run IS NULL OR r.run = :run) AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.run, r.channel, o.identifier)
SELECT run, coalesce(c.name, '') AS channel, count(*) AS listed,
       count(*) FILTER (WHERE state = 'read') AS read, count(*) FILTER (WHERE state = 'deleted') AS deleted,
       count(*) FILTER (WHERE state = 'absent') AS absent, count(*) FILTER (WHERE state = 'moved') AS moved,
       count(*) FILTER (WHERE state = 'forbidden') AS forbidden, count(*) FILTER (WHERE state = 'refused') AS refused,
       count(*) FILTER (WHERE state = 'lost') AS lost, count(*) FILTER (WHERE state = 'open') AS open
FROM ended LEFT JOIN channels AS c USING (channel)
GROUP BY run, ended.channel
ORDER BY run, c.name;
