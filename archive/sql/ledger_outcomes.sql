-- Outcomes of the ledger (SQLite) in their order, each with what its request says of it.
-- Parameters: first, last (outcomes, both included).
SELECT r.run, c.name AS channel, o.identifier, o.request, o.state, r.http_status, coalesce(o.reason, r.reason) AS reason,
       r.attempts, r.at, o.datestamp AS stamp, o.outcome, runs.mode
FROM outcomes AS o
     CROSS JOIN requests AS r USING (request)
     JOIN runs USING (run)
     LEFT JOIN channels AS c USING (channel)
WHERE o.outcome BETWEEN :first AND :last
ORDER BY o.outcome;
