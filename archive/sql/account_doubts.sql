-- What keeps each run from being complete, besides its ids (SQLite): run, mode, state, newest (of those asked for in
-- the same words), windows (open or lost), totals (findings of a total that does not agree or cannot be proven).
SELECT run, mode, state,
       run = max(run) OVER (PARTITION BY spider, mode, arguments) AS newest,
       (SELECT count(*) FROM windows AS w WHERE w.run = runs.run AND w.state IN ('open', 'lost')) AS windows,
       (SELECT count(*) FROM findings AS f WHERE f.run = runs.run AND f.severity <> 'info'
        AND f.code IN ('list-size-differs', 'window-unproven', 'parts-short', 'parts-lack', 'parts-empty')) AS totals
FROM runs
ORDER BY run;
