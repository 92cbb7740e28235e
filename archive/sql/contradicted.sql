-- Copies of ids that a run has listed both live and deleted, and has not asked for one by one (SQLite): format, identifier,
-- channel, request, outcome, datestamp, deleted; by format and identifier, in the order they came.
-- Parameters: run.
WITH listed AS (
    SELECT c.format, o.identifier, r.channel, r.request, o.outcome, o.datestamp, o.state,
           coalesce(w.verb = 'GetRecord', false) AS direct
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    JOIN channels AS c ON c.channel = r.channel
    LEFT JOIN windows AS w ON w.window = r.window
    WHERE r.run = :run),
both AS (
    SELECT format, identifier FROM listed WHERE state = 'deleted'
    INTERSECT SELECT format, identifier FROM listed WHERE state = 'read'
    EXCEPT SELECT format, identifier FROM listed WHERE direct)
SELECT format, identifier, channel, request, outcome, datestamp, state = 'deleted'
FROM listed JOIN both USING (format, identifier)
WHERE state IN ('read', 'deleted')
ORDER BY format, identifier, outcome;
