-- Ids that were held live before a run in one channel by id, and that it found gone (SQLite): identifier, in their order.
-- Held live and gone are as in loss_of_channel. Parameters: run, channel.
WITH before AS (
    SELECT o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run < :run AND r.channel = :channel AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
      AND o.state IN ('read', 'deleted', 'absent', 'moved', 'forbidden')
    GROUP BY o.identifier),
now AS (
    SELECT o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run = :run AND r.channel = :channel AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY o.identifier)
SELECT b.identifier FROM before AS b JOIN now AS n USING (identifier)
WHERE b.state = 'read' AND n.state IN ('deleted', 'absent', 'forbidden')
ORDER BY b.identifier;
