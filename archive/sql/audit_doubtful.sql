-- Ids of a ledger whose last copy may not be their latest state, by side: ledger, side, outcomes (a list of all copies).
-- See settle_doubtful.sql. Parameters: in_turn (whether the runs came one after the other).
WITH copies AS (
        SELECT o.side, r.ledger, o.name, compared_as(o.identifier) AS identifier, o.outcome, o.moment, o.day, o.odd, o.state,
               r.run, r.channel
        FROM outcomes AS o JOIN requests AS r ON r.side = o.side AND r.request = o.request
             SEMI JOIN several AS s
             ON s.side = o.side AND s.name = o.name AND s.identifier = compared_as(o.identifier)
        WHERE o.kept AND o.state IN ('read', 'deleted')),
     compared AS (
        SELECT *, last_value({run: run, channel: channel, moment: moment, odd: odd, state: state, outcome: outcome})
                  OVER (PARTITION BY side, ledger, name, identifier ORDER BY outcome
                        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last
        FROM copies)
SELECT ledger, side, list(outcome ORDER BY outcome) AS outcomes
FROM compared
GROUP BY ledger, side, name, identifier
HAVING count(*) > 1
   AND (NOT $in_turn OR count(DISTINCT day) > 1
        OR bool_or(outcome <> last.outcome AND NOT coalesce(
            moment < last.moment
            OR (run < last.run AND channel = last.channel
                AND (moment <= last.moment OR (moment IS NULL AND last.moment IS NULL)))
            OR ((moment, odd, state) IS NOT DISTINCT FROM (last.moment, last.odd, last.state)),
            false)));
