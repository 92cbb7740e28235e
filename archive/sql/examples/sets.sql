-- Live records by set; a record may be in several.
SELECT format, spec AS "set", count(*) AS records
FROM (SELECT format, unnest(sets) AS spec FROM records WHERE NOT deleted)
GROUP BY format, spec
ORDER BY format, records DESC, spec
LIMIT 200;
