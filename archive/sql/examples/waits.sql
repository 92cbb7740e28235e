-- How long each run waited for which host, and why.
SELECT run, host, regexp_replace(reason, '[0-9]+', 'N', 'g') AS reason, count(*) AS waits,
       round(sum(seconds), 1) AS seconds, round(max(seconds), 1) AS longest
FROM waits
GROUP BY ALL
ORDER BY seconds DESC, run
LIMIT 50;
