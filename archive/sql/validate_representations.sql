-- Ids with several representations, each with all of them one after the other: local_id, identifier, format, dois, titles,
-- dates.
SELECT local_id, identifier, format, dois, titles, dates
FROM checked
SEMI JOIN (SELECT local_id FROM checked GROUP BY local_id HAVING count(DISTINCT format) > 1) USING (local_id)
ORDER BY local_id, format, identifier;
