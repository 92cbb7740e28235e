-- Why ids are refused, lost, forbidden or absent: reasons with their numbers and an example.
WITH settled AS (
        SELECT channel, identifier, arg_max(state, outcome) AS state, arg_max(http_status, outcome) AS http_status,
               arg_max(reason, outcome) AS reason
        FROM outcomes WHERE mode <> 'census' GROUP BY channel, identifier)
SELECT channel, state, http_status, reason, count(*) AS ids, min(identifier) AS first
FROM settled
WHERE state NOT IN ('read', 'deleted')
GROUP BY ALL
ORDER BY ids DESC, channel, state
LIMIT 200;
