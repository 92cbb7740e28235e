-- Waits of the old ledger (attached as old) that can be read (SQLite).
INSERT OR IGNORE INTO main.waits (run, host, began, seconds, reason)
SELECT w.run, w.host, w.began, w.seconds, w.reason FROM old.waits AS w JOIN main.runs AS r ON r.run = w.run
ORDER BY w.wait;
