-- How the ids stand after every harvest (SQLite): one row a channel: run (NULL), channel, listed (distinct ids), then
-- how many of them are in each state. The state of an id is what its last outcome in the channel says. A census asks
-- for headers only and is left out.
WITH ended AS (
    SELECT r.channel, o.identifier, o.state, max(o.outcome)
    FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o
    WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.channel, o.identifier)
SELECT NULL AS run, coalesce(c.name, '') AS channel, count(*) AS listed,
       count(*) FILTER (WHERE state = 'read') AS read, count(*) FILTER (WHERE state = 'deleted') AS deleted,
       count(*) FILTER (WHERE state = 'absent') AS absent, count(*) FILTER (WHERE state = 'moved') AS moved,
       count(*) FILTER (WHERE state = 'forbidden') AS forbidden, count(*) FILTER (WHERE state = 'refused') AS refused,
       count(*) FILTER (WHERE state = 'lost') AS lost, count(*) FILTER (WHERE state = 'open') AS open
FROM ended LEFT JOIN channels AS c USING (channel)
GROUP BY ended.channel
ORDER BY c.name;
