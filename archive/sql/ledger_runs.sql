-- Runs of the ledger (SQLite), in their order.
SELECT run, spider, mode, arguments, software, started, provider_started, finished, state FROM runs ORDER BY run;
