-- Marks by set: group, mark, ids. An id in several sets counts in each of them.
SELECT CASE WHEN sets = [] THEN 'no set' ELSE coalesce(one, set_spec, 'not known') END AS "group", mark, count(*) AS ids
FROM every JOIN names USING (name) LEFT JOIN about USING (identifier)
LEFT JOIN (SELECT identifier, unnest(sets) AS one FROM about) AS each USING (identifier)
GROUP BY ALL ORDER BY ALL;
