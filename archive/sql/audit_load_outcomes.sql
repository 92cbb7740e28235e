-- Outcomes from CSV, each on the side of its run; those of other runs are left out. Parameters: path, ledger.
INSERT INTO outcomes
SELECT r.side, o.outcome, o.request, r.name, o.identifier, moment_of(o.stamp), length(o.stamp) = 10,
    CASE WHEN moment_of(o.stamp) IS NULL THEN nullif(o.stamp, '') END, o.state, o.kept
FROM read_csv($path, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
    allow_quoted_nulls = false, max_line_size = 64000000,
    columns = {outcome: 'BIGINT', request: 'BIGINT', identifier: 'VARCHAR', stamp: 'VARCHAR', state: 'VARCHAR',
               kept: 'BOOLEAN'}) AS o
JOIN (SELECT request, side, name FROM requests WHERE ledger = $ledger) AS r USING (request);
