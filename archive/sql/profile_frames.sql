-- Frames of a release's live records, in their order: part, frame, records (their number).
-- Parameters: path (of its index.parquet).
SELECT part, frame, count(*)
FROM read_parquet($path)
WHERE NOT deleted
GROUP BY part, frame
ORDER BY part, frame;
