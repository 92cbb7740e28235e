-- What keeps each run from being complete, besides its ids (SQLite): run, mode, state, newest (of those asked for in
-- the same words), windows (open or lost), doubts (findings that say that records may be missing). Parameters: codes
-- (those of these findings, a JSON array).
SELECT run, mode, state,
       run = max(run) OVER (PARTITION BY spider, mode, arguments) AS newest,
       (SELECT count(*) FROM windows AS w WHERE w.run = runs.run AND w.state IN ('open', 'lost')) AS windows,
       (SELECT count(*) FROM findings AS f WHERE f.run = runs.run AND f.severity <> 'info'
        AND f.code IN (SELECT value FROM json_each(:codes))) AS doubts
FROM runs
ORDER BY run;
