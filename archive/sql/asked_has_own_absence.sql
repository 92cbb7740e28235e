-- Whether a run had the answer of the repository itself for an id of a channel that is not there (SQLite): 0 or 1.
-- Such an outcome has no reason. Parameters: run, channel.
SELECT EXISTS (
    SELECT 1 FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run = :run AND r.channel = :channel AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
      AND o.state = 'absent' AND o.reason IS NULL);
