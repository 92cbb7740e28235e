-- The ids that a census listed (SQLite), once each, in the order they came, into the table `wanted`. Local ids, as they
-- stand behind oai:HOST:; `local_id` is a function of ours.
-- Parameters: run.
CREATE TEMP TABLE wanted AS
    SELECT local_id(o.identifier) AS id, min(o.outcome) AS first
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.run = :run
    GROUP BY 1
    ORDER BY first;
