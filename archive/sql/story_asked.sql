-- What some outcomes (SQLite) came with, in their order: the outcome, its request, run and channel, its window (or
-- nulls), and `since`: when the request before it in its window ended, or else the window was opened or the run began.
-- Parameters: outcomes (their numbers, a JSON array).
SELECT o.outcome, o.identifier, c.name AS channel, o.state, coalesce(o.reason, r.reason) AS reason, o.datestamp,
       r.request, r.run, runs.mode, runs.state AS run_state, r.at, r.url, r.http_status, r.attempts,
       coalesce((SELECT max(p.at) FROM requests AS p WHERE p.window = r.window AND p.request < r.request),
                w.opened, runs.started) AS since,
       r.window, w.verb, w.from_, w.until, w.state AS window_state, w.end, w.listed, w.stated
FROM json_each(:outcomes) AS wanted
     CROSS JOIN outcomes AS o ON o.outcome = wanted.value
     JOIN requests AS r USING (request)
     JOIN runs USING (run)
     LEFT JOIN channels AS c ON c.channel = r.channel
     LEFT JOIN windows AS w ON w.window = r.window
ORDER BY o.outcome;
