-- Shards with records that count (SQLite), in their order: shard, name, state, bytes (that count), records, sha256.
SELECT shard, name, state, bytes, records, sha256 FROM shards WHERE records > 0 ORDER BY shard;
