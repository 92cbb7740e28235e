-- How the ids of each window ended (SQLite): one row a run, channel and window: run, channel, window (NULL: asked for
-- outside of any), verb, from_, until, window_state, then listed (distinct ids) and how many of them are in each state.
-- The state of an id is what its last outcome in the window says. An id may be in several windows.
-- Parameters: run (NULL is each of them).
WITH ended AS (
    SELECT r.run, r.channel, r.window, o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE (:run IS NULL OR r.run = :run) AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.run, r.channel, r.window, o.identifier)
SELECT e.run, coalesce(c.name, '') AS channel, e.window, w.verb, w.from_, w.until, w.state AS window_state,
       count(*) AS listed,
       count(*) FILTER (WHERE e.state = 'read') AS read, count(*) FILTER (WHERE e.state = 'deleted') AS deleted,
       count(*) FILTER (WHERE e.state = 'absent') AS absent, count(*) FILTER (WHERE e.state = 'moved') AS moved,
       count(*) FILTER (WHERE e.state = 'forbidden') AS forbidden,
       count(*) FILTER (WHERE e.state = 'refused') AS refused,
       count(*) FILTER (WHERE e.state = 'lost') AS lost, count(*) FILTER (WHERE e.state = 'open') AS open
FROM ended AS e LEFT JOIN channels AS c USING (channel) LEFT JOIN windows AS w ON w.window = e.window
GROUP BY e.run, e.channel, e.window
ORDER BY e.run, c.name, e.window;
