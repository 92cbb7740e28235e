-- What an index was made of (SQLite): one row a thing, (name, value). It differs after anything was written.
SELECT 'run' AS name, json_group_array(json_array(run, state, finished, provider_started)) AS value
FROM (SELECT * FROM runs ORDER BY run)
UNION ALL SELECT 'window', json_group_array(json_array(state, n, last))
          FROM (SELECT state, count(*) AS n, max(window) AS last FROM windows GROUP BY state ORDER BY state)
UNION ALL SELECT 'request', coalesce(max(request), 0) FROM requests
UNION ALL SELECT 'outcome', coalesce(max(outcome), 0) FROM outcomes
UNION ALL SELECT 'finding', coalesce(max(finding), 0) FROM findings
UNION ALL SELECT 'wait', coalesce(max(wait), 0) FROM waits
UNION ALL SELECT 'file', coalesce(max(file), 0) FROM files
UNION ALL SELECT 'quarantine', coalesce(max(quarantine), 0) FROM quarantine
UNION ALL SELECT 'shard', json_group_array(json_array(shard, name, state, records, bytes, sha256))
          FROM (SELECT * FROM shards ORDER BY shard);
