-- DOIs that several records have, within one format.
SELECT doi, format, count(*) AS records, list(identifier ORDER BY identifier)[:5] AS identifiers
FROM records
WHERE NOT deleted AND doi IS NOT NULL
GROUP BY doi, format
HAVING count(*) > 1
ORDER BY records DESC, doi
LIMIT 100;
