-- Local ids that end in a number, by what stands before it, of all that any channel has shown to exist in some state.
-- Columns: prefix, first, last (numbers), ids. One row more, with a NULL prefix, has those that end in none.
WITH known AS (
        SELECT DISTINCT local_id FROM outcomes WHERE state IN ('read', 'deleted', 'moved', 'forbidden', 'refused')),
     split AS (
        SELECT regexp_extract(local_id, '^(|.*[^0-9])([1-9][0-9]{0,17})$', 1) AS prefix,
            TRY_CAST(regexp_extract(local_id, '^(|.*[^0-9])([1-9][0-9]{0,17})$', 2) AS BIGINT) AS number
        FROM known)
SELECT CASE WHEN number IS NOT NULL THEN prefix END AS prefix, min(number) AS first, max(number) AS last,
    count(*) AS ids
FROM split
GROUP BY 1
ORDER BY ids DESC, prefix;
