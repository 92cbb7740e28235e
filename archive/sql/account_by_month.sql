-- How the ids stand by the month of their datestamp (SQLite): one row a channel and month: channel, month ("2024-05";
-- NULL: no outcome of the id has a date), then listed (distinct ids) and how many of them are in each state.
-- The datestamp is the last one that is known, the state that of the last outcome: after every harvest, or in one run.
-- Each is packed behind the number of its outcome, so that the largest number is the last.
-- Parameters: run (NULL is all of them together, a census left out).
WITH ended AS (
    SELECT r.channel, max(o.outcome * 10 + CASE o.state WHEN 'read' THEN 1 WHEN 'deleted' THEN 2 WHEN 'absent' THEN 3
               WHEN 'moved' THEN 4 WHEN 'forbidden' THEN 5 WHEN 'refused' THEN 6 WHEN 'lost' THEN 7 ELSE 8 END) % 10
               AS state,
           max(iif(o.datestamp GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]*'
                   AND substr(o.datestamp, 6, 2) BETWEEN '01' AND '12', o.outcome * 1000000
               + CAST(substr(o.datestamp, 1, 4) || substr(o.datestamp, 6, 2) AS INTEGER), NULL)) % 1000000 AS month
    FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o
    WHERE iif(:run IS NULL, runs.mode <> 'census', runs.run = :run) AND r.run = runs.run
      AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.channel, o.identifier)
SELECT coalesce(c.name, '') AS channel, iif(month IS NULL, NULL, printf('%04d-%02d', month / 100, month % 100)) AS month,
       count(*) AS listed,
       count(*) FILTER (WHERE state = 1) AS read, count(*) FILTER (WHERE state = 2) AS deleted,
       count(*) FILTER (WHERE state = 3) AS absent, count(*) FILTER (WHERE state = 4) AS moved,
       count(*) FILTER (WHERE state = 5) AS forbidden, count(*) FILTER (WHERE state = 6) AS refused,
       count(*) FILTER (WHERE state = 7) AS lost, count(*) FILTER (WHERE state = 8) AS open
FROM ended LEFT JOIN channels AS c USING (channel)
GROUP BY ended.channel, ended.month
ORDER BY c.name, ended.month;
