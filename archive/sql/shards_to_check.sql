-- Shards of the ledger (SQLite), in their order: shard, name, state, records, frames, bytes, content_bytes, sha256.
SELECT shard, name, state, records, frames, bytes, content_bytes, sha256 FROM shards ORDER BY shard;
