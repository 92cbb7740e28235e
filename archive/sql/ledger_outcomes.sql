-- Outcomes of the ledger (SQLite) in their order, each with what its request says of it.
-- `local_id` and `moment` are functions of ours.
-- Parameters: first, last (outcomes, both included).
SELECT r.run, c.name AS channel, o.identifier, o.request, local_id(o.identifier) AS local_id, o.state, r.http_status,
       coalesce(o.reason, r.reason) AS reason, r.attempts, r.at, moment(o.datestamp) AS datestamp,
       o.datestamp AS stamp, o.outcome, runs.mode
FROM outcomes AS o
     CROSS JOIN requests AS r USING (request)
     JOIN runs USING (run)
     LEFT JOIN channels AS c USING (channel)
WHERE o.outcome BETWEEN :first AND :last
ORDER BY o.outcome;
