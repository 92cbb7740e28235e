-- Windows of harvests from CSV. Parameters: path, ledger.
INSERT INTO windows
SELECT w."window", w.run, c.name, nullif(w.from_, ''), nullif(w.until, ''), w.state
FROM read_csv($path, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {"window": 'BIGINT', run: 'BIGINT', channel: 'BIGINT', from_: 'VARCHAR', until: 'VARCHAR',
        state: 'VARCHAR'}) AS w
JOIN (SELECT channel, name FROM channels WHERE ledger = $ledger) AS c USING (channel);
