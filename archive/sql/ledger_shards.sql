-- Shards of the ledger (SQLite), in their order.
SELECT shard, name, run, state, records, frames, bytes, content_bytes, sha256 FROM shards ORDER BY shard;
