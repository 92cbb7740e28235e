-- Frames of a shard (SQLite), in their order: frame, offset, bytes (in the file), content_bytes.
-- Parameters: shard; first, last (frames, both included; last NULL is the end).
SELECT frame, offset, bytes, content_bytes
FROM frames
WHERE shard = :shard AND frame >= :first AND (:last IS NULL OR frame <= :last)
ORDER BY frame;
