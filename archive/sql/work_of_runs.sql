-- What each run took (SQLite), in their order: run, spider, mode, arguments, state, started, finished, requests that
-- were answered or given up (with each try), records and bytes (unpacked) that it kept.
SELECT r.run, r.spider, r.mode, r.arguments, r.state, r.started, r.finished,
       (SELECT coalesce(sum(max(q.attempts, 1)), 0) FROM requests AS q
        WHERE q.run = r.run AND (q.http_status IS NOT NULL OR q.reason IS NOT NULL)) AS requests,
       (SELECT coalesce(sum(s.records), 0) FROM shards AS s WHERE s.run = r.run) AS records,
       (SELECT coalesce(sum(s.content_bytes), 0) FROM shards AS s WHERE s.run = r.run) AS content_bytes
FROM runs AS r
ORDER BY r.run;
