-- Deleted records by month, and of how many an earlier version is held.
SELECT format, strftime(date_trunc('month', datestamp), '%Y-%m') AS month, count(*) AS tombstones,
       count(last_live) AS with_earlier_version
FROM tombstones
GROUP BY ALL
ORDER BY format, month;
