-- How the ids stand by the month of their datestamp (SQLite): one row a channel and month: channel, month ("2024-05";
-- NULL: no outcome of the id has a date), then listed (distinct ids) and how many of them are in each state.
-- The datestamp is the last one that is known, the state that of the last outcome: after every harvest, or in one run.
-- Parameters: run (NULL is all of them together, a census left out).
WITH ended AS (
    SELECT r.channel, o.identifier, o.state, max(o.outcome),
           substr(max(iif(o.datestamp GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]*',
                          printf('%019d', o.outcome) || o.datestamp, NULL)), 20, 7) AS month
    FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o
    WHERE iif(:run IS NULL, runs.mode <> 'census', runs.run = :run) AND r.run = runs.run
      AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.channel, o.identifier)
SELECT coalesce(c.name, '') AS channel, month, count(*) AS listed,
       count(*) FILTER (WHERE state = 'read') AS read, count(*) FILTER (WHERE state = 'deleted') AS deleted,
       count(*) FILTER (WHERE state = 'absent') AS absent, count(*) FILTER (WHERE state = 'moved') AS moved,
       count(*) FILTER (WHERE state = 'forbidden') AS forbidden, count(*) FILTER (WHERE state = 'refused') AS refused,
       count(*) FILTER (WHERE state = 'lost') AS lost, count(*) FILTER (WHERE state = 'open') AS open
FROM ended LEFT JOIN channels AS c USING (channel)
GROUP BY ended.channel, month
ORDER BY c.name, month;
