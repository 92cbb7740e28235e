-- Shards of the ledger (SQLite), in their order: name, state, bytes, sha256, sha512 (NULL in those of older software).
SELECT name, state, bytes, sha256, sha512 FROM shards ORDER BY shard;
