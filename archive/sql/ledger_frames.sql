-- Frames of the ledger (SQLite), in their order.
SELECT shard, frame, offset, bytes, content_bytes, records, first_outcome, last_outcome FROM frames
ORDER BY shard, frame;
