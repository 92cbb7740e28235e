-- Requests from CSV, each on the side of its run; those of other runs are left out. Parameters: path, ledger.
INSERT INTO requests
SELECT $ledger, runs.side, r.request, r.run, r.channel, c.name, r."window", r.attempt
FROM read_csv($path, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {request: 'BIGINT', run: 'BIGINT', channel: 'BIGINT', "window": 'BIGINT',
        attempt: 'BIGINT'}) AS r
JOIN (SELECT run, side FROM runs WHERE ledger = $ledger) AS runs USING (run)
JOIN (SELECT channel, name FROM channels WHERE ledger = $ledger) AS c USING (channel);
