-- Waits of the ledger (SQLite) in their order.
SELECT wait, run, host, began, seconds, reason FROM waits ORDER BY wait;
