-- Requests, listed records and tries by hour.
SELECT run, date_trunc('hour', "at") AS hour, count(*) AS requests, sum(listed) AS listed, sum(attempts) AS tries,
       count(*) FILTER (state IN ('refused', 'lost')) AS failed
FROM requests
GROUP BY ALL
ORDER BY run, hour;
