-- Runs of the old ledger (attached as old) that can be read and were no census, whose headers no shard has (SQLite).
-- None is complete, nor anything an incremental run may begin at: no shard shows that a list was read to its end.
INSERT OR IGNORE INTO main.runs (run, spider, mode, arguments, software, started, provider_started, finished, state)
SELECT run, spider, mode, arguments, iif(json_valid(software), software, '{}'), started, NULL, finished,
       'findings'
FROM old.runs
WHERE mode <> 'census' AND run > 0 AND json_valid(arguments) AND json_type(arguments) = 'object';
