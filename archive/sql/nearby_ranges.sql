-- The ranges of ids (SQLite) that hold a number or come next to it, the nearest first: covers, window, run, channel,
-- from_, until, state. A range that was split is told by its parts.
-- Parameters: number, limit.
WITH ranges AS (
    SELECT window, run, c.name AS channel, from_, until, state, CAST(from_ AS INTEGER) AS first,
           coalesce(CAST(until AS INTEGER), 9223372036854775807) AS last
    FROM windows JOIN channels AS c USING (channel)
    WHERE verb = 'ids' AND state <> 'split' AND from_ GLOB '[0-9]*')
SELECT :number BETWEEN first AND last AS covers, window, run, channel, from_, until, state
FROM ranges
ORDER BY max(first - :number, :number - last, 0), window
LIMIT :limit;
