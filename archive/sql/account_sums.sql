-- The sums that must be equal (SQLite), one row: outcomes, of_requests (that requests name); kept (outcomes with a
-- record), in_frames, in_shards (records).
SELECT (SELECT count(*) FROM outcomes) AS outcomes,
       (SELECT coalesce(sum(last_outcome - first_outcome + 1), 0) FROM requests) AS of_requests,
       (SELECT count(*) FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o
        WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
          AND o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified') AS kept,
       (SELECT coalesce(sum(records), 0) FROM frames) AS in_frames,
       (SELECT coalesce(sum(records), 0) FROM shards) AS in_shards;
