-- Frames of a release in their order: part, frame, length (in the part), records.
-- Parameters: path (of its index.parquet).
SELECT part, frame, any_value(length) AS length, count(*) AS records
FROM read_parquet($path)
GROUP BY part, frame
ORDER BY part, frame;
