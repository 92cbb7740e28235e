-- Marks by year of publication: group, mark, ids.
SELECT coalesce(year::VARCHAR, 'not known') AS "group", mark, count(*) AS ids
FROM every LEFT JOIN about USING (identifier) GROUP BY ALL ORDER BY ALL;
