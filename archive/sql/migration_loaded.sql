-- Items that were read of each side.
SELECT (SELECT count(DISTINCT item) FROM source_rows), (SELECT count(DISTINCT item) FROM target_rows);
