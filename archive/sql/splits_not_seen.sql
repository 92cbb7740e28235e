-- Identifiers in the temporary table `shown` that no answer of a run has named in a channel (SQLite): identifier, in the
-- order of the table. Parameters: run, channel.
SELECT identifier FROM temp.shown
WHERE identifier NOT IN (
    SELECT o.identifier
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.run = :run AND r.channel = :channel)
ORDER BY place;
