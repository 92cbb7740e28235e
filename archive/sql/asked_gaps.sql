-- Ids with a gap as things stood before an outcome (SQLite), in order, into the table `wanted`: refused, lost or open in
-- some channel, or listed by a census and in no channel at all. Local ids; `local_id` is a function of ours.
-- Parameters: before; census (its run, NULL for none); channel (NULL for all).
CREATE TEMP TABLE wanted AS
    WITH ended AS (
            SELECT local_id(o.identifier) AS id, o.state, max(o.outcome)
            FROM outcomes AS o CROSS JOIN requests AS r USING (request) JOIN runs USING (run)
            WHERE o.outcome < :before AND runs.mode <> 'census' AND (:channel IS NULL OR r.channel = :channel)
            GROUP BY r.channel, o.identifier),
         listed AS (
            SELECT local_id(o.identifier) AS id
            FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
            WHERE r.run = :census)
    SELECT id FROM ended WHERE state IN ('refused', 'lost', 'open')
    UNION
    SELECT id FROM listed WHERE id NOT IN (SELECT id FROM ended)
    ORDER BY id;
