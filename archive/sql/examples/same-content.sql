-- Records whose metadata are the same bytes under several identifiers.
SELECT sha256, format, count(DISTINCT identifier) AS identifiers,
       list(DISTINCT identifier ORDER BY identifier)[:5] AS first
FROM records
WHERE NOT deleted AND sha256 IS NOT NULL
GROUP BY sha256, format
HAVING count(DISTINCT identifier) > 1
ORDER BY identifiers DESC, sha256
LIMIT 100;
