-- The longest runs of numbers, between the lowest and the highest id, of which nothing is known.
WITH ids AS (SELECT DISTINCT try_cast(local_id AS BIGINT) AS id FROM outcomes),
     next AS (SELECT id, lead(id) OVER (ORDER BY id) AS following FROM ids WHERE id IS NOT NULL)
SELECT id + 1 AS first_id, following - 1 AS last_id, following - id - 1 AS ids
FROM next
WHERE following > id + 1
ORDER BY ids DESC, first_id
LIMIT 100;
