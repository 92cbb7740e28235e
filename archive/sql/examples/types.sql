-- Live records by resource type, with the years they span.
SELECT format, resource_type, count(*) AS records, min(publication_year) AS first_year,
       max(publication_year) AS last_year
FROM records
WHERE NOT deleted
GROUP BY format, resource_type
ORDER BY format, records DESC, resource_type;
