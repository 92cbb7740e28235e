-- Waits of a run (SQLite) that ended in a span of time, by their beginning: host, began, seconds, reason. Times are to
-- the second, so that one may seem to end up to a second after the span.
-- Parameters: run, since, at.
SELECT host, began, seconds, reason
FROM waits
WHERE run = :run
  AND strftime('%s', began) + seconds BETWEEN strftime('%s', :since) + 0 AND strftime('%s', :at) + 1
ORDER BY began, wait;
