-- What the ledger (SQLite) says of a frame. One row: offset, bytes (in the file), content_bytes, records.
-- Parameters: shard, frame.
SELECT offset, bytes, content_bytes, records FROM frames WHERE shard = :shard AND frame = :frame;
