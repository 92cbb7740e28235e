-- Outcomes that their request does not know of (SQLite): outcome, request, identifier.
-- Parameters: limit.
SELECT o.outcome, o.request, o.identifier
FROM outcomes AS o LEFT JOIN requests AS r USING (request)
WHERE o.outcome NOT BETWEEN coalesce(r.first_outcome, 1) AND coalesce(r.last_outcome, 0)
ORDER BY o.outcome
LIMIT :limit;
