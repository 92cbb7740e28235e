-- Windows that ended with other numbers than their requests have (SQLite): window, run, channel, listed,
-- listed_found, distinct_ids, distinct_found.
-- Parameters: run (NULL is each of them), limit.
WITH counted AS (
    SELECT w.window, w.run, w.channel, w.listed, w.distinct_ids,
           iif(w.verb IN ('ids', 'gathered'), count(DISTINCT o.identifier), count(o.outcome)) AS listed_found,
           count(DISTINCT o.identifier) AS distinct_found
    FROM windows AS w
    LEFT JOIN requests AS r ON r.window = w.window
        AND (w.verb IN ('ids', 'gathered') OR (r.attempt = w.attempts AND r.state = 'read'))
    LEFT JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE w.state <> 'open' AND w.listed IS NOT NULL AND (:run IS NULL OR w.run = :run)
    GROUP BY w.window)
SELECT window, run, c.name AS channel, listed, listed_found, distinct_ids, distinct_found
FROM counted JOIN channels AS c USING (channel)
WHERE listed <> listed_found OR distinct_ids <> distinct_found
ORDER BY window
LIMIT :limit;
