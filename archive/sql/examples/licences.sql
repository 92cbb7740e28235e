-- Live records by licence.
SELECT format, license, count(*) AS records,
       round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY format), 2) AS percent
FROM records
WHERE NOT deleted
GROUP BY format, license
ORDER BY format, records DESC, license
LIMIT 200;
