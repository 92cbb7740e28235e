-- Records that have changed most often.
SELECT identifier, format, max(version) AS versions, min(datestamp) AS first, max(datestamp) AS last,
       any_value(title) AS title
FROM versions
GROUP BY identifier, format
HAVING max(version) > 1
ORDER BY versions DESC, identifier
LIMIT 50;
