-- What an archive (SQLite) holds, in one row: records, shards, last (when its last run ended or began, NULL without any).
SELECT (SELECT coalesce(sum(records), 0) FROM shards) AS records,
       (SELECT count(*) FROM shards) AS shards,
       (SELECT max(coalesce(finished, started)) FROM runs) AS last;
