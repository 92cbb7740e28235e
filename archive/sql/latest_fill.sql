-- Fill temp.latest (SQLite): the outcome of the newest record of each identifier in each channel, where it is a live
-- one: outcome, channel.
INSERT INTO latest (outcome, channel)
SELECT outcome, channel
FROM (SELECT max(o.outcome) AS outcome, r.channel, o.state
      FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o
      WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
        AND o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified'
      GROUP BY r.channel, o.identifier)
WHERE state = 'read';
