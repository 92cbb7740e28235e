-- Live records that lack a title, creators, a year or a licence: by what they lack, with the first of them.
SELECT format, title IS NULL AS no_title, len(creators) = 0 AS no_creators, publication_year IS NULL AS no_year,
       license IS NULL AS no_license, count(*) AS records, min(identifier) AS first
FROM records
WHERE NOT deleted
GROUP BY ALL
HAVING no_title OR no_creators OR no_year OR no_license
ORDER BY format, records DESC, first;
