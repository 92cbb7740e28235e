-- Records whose last copy may not be their latest state (SQLite): outcomes (of all their copies, a JSON array). It is where
-- copies of one run, of several channels or in both states meet, or an earlier datestamp came later.
SELECT json_group_array(outcome) AS outcomes
FROM (SELECT c.format, o.identifier, o.outcome, o.state, o.datestamp, r.run, r.channel
      FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o JOIN channels AS c ON c.channel = r.channel
      WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
        AND o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified')
GROUP BY format, identifier
HAVING count(*) > 1
   AND (count(DISTINCT run) < count(*) OR count(DISTINCT channel) > 1 OR min(state) <> max(state)
        OR count(datestamp) < count(*) OR min(length(datestamp)) <> 20 OR max(length(datestamp)) <> 20
        OR max(datestamp) <> substr(max(printf('%020d', outcome) || datestamp), 21));
