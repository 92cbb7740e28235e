-- The oldest datestamp of all records in some formats. One row: earliest, NULL where there is no record.
-- Parameters: prefixes (a list).
SELECT least(min(datestamp), min(retrieved) FILTER (datestamp IS NULL)) AS earliest
FROM records
WHERE list_contains($prefixes::VARCHAR[], format);
