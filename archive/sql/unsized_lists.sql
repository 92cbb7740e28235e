-- Finished lists of a run that had no stated size, and several pages or a round number of records (SQLite): window,
-- pages, listed (records with a datestamp in the last attempt), rises and falls (how often a datestamp is later, or
-- earlier, than the one before). Not those that were listed again in parts. Parameters: run, after (a window; only later
-- ones).
WITH listed AS (
    SELECT w.window, w.pages, o.datestamp AS stamp,
           lag(o.datestamp) OVER (PARTITION BY w.window ORDER BY o.outcome) AS before
    FROM windows AS w JOIN requests AS r ON r.window = w.window AND r.attempt = w.attempts
    CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE w.run = :run AND w.window > :after AND w.state = 'done' AND w.stated IS NULL
      AND (w.pages > 1 OR (w.distinct_ids >= 50 AND w.distinct_ids % 50 = 0))
      AND w.verb IN ('ListRecords', 'ListIdentifiers') AND o.datestamp <> ''
      AND NOT EXISTS (SELECT 1 FROM windows AS part WHERE part.parent = w.window))
SELECT window, pages, count(*) AS listed, total(stamp > before) AS rises, total(stamp < before) AS falls
FROM listed
GROUP BY window
ORDER BY window;
