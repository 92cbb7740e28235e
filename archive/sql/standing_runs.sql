-- Runs of the ledger (SQLite) in their order: run, spider, mode, arguments, started, finished, state, newest (of those
-- asked for in the same words).
SELECT run, spider, mode, arguments, started, finished, state,
       run = max(run) OVER (PARTITION BY spider, mode, arguments) AS newest
FROM runs
ORDER BY run;
