-- Queries of archive.bags, in alphabetical order. archive/queries.py reads this file.

-- name: bag_shards
-- Shards of the ledger (SQLite), in their order: name, state, bytes, sha256, sha512 (NULL in those of older software).
SELECT name, state, bytes, sha256, sha512 FROM shards ORDER BY shard;

-- name: bag_summary
-- What an archive (SQLite) holds, in one row: records, shards, last (when its last run ended or began, NULL without any).
SELECT (SELECT coalesce(sum(records), 0) FROM shards) AS records,
       (SELECT count(*) FROM shards) AS shards,
       (SELECT max(coalesce(finished, started)) FROM runs) AS last;
