-- What is left of ranges of ids (SQLite) that are handed out piece by piece: window, run, channel, from_ (the next id),
-- until (all ranges, as "1-5000,7001-"), state.
SELECT window, run, c.name AS channel, from_, until, state
FROM windows JOIN channels AS c USING (channel)
WHERE verb = 'rest' AND state <> 'done' AND from_ GLOB '[0-9]*'
ORDER BY window;
