-- The sets that records in some formats name. One row a set: spec.
-- Parameters: prefixes (a list).
SELECT DISTINCT unnest(sets) AS spec
FROM records
WHERE list_contains($prefixes::VARCHAR[], format);
