-- Identifiers that lists of a run named and that have no answer of their own (SQLite): channel, identifier.
-- Parameters: run.
WITH named AS (
        SELECT DISTINCT r.channel, o.identifier
        FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
        WHERE r.run = :run AND r.attempt = 0 AND o.state = 'open'),
     ended AS (
        SELECT r.channel, o.identifier, o.state, max(o.outcome)
        FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
        JOIN named AS n ON n.channel = r.channel AND n.identifier = o.identifier
        WHERE r.run = :run
        GROUP BY r.channel, o.identifier)
SELECT channel, identifier FROM ended WHERE state = 'open' ORDER BY channel, identifier;
