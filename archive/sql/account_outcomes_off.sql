-- Outcomes that their request does not know of (SQLite): outcome, request, identifier.
-- Parameters: run (NULL is each of them), limit.
SELECT o.outcome, o.request, o.identifier
FROM outcomes AS o LEFT JOIN requests AS r USING (request)
WHERE (:run IS NULL OR o.outcome >= (SELECT min(first_outcome) FROM requests WHERE run = :run) AND r.run = :run)
  AND o.outcome NOT BETWEEN coalesce(r.first_outcome, 1) AND coalesce(r.last_outcome, 0)
ORDER BY o.outcome
LIMIT :limit;
