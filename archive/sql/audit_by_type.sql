-- Marks by resource type: group, mark, ids.
SELECT coalesce(nullif(type, ''), 'not known') AS "group", mark, count(*) AS ids
FROM every LEFT JOIN about USING (identifier) GROUP BY ALL ORDER BY ALL;
