-- Findings of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO findings BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {finding: 'INTEGER', run: 'INTEGER', code: 'VARCHAR', severity: 'VARCHAR', channel: 'VARCHAR',
        "window": 'INTEGER', identifier: 'VARCHAR', message: 'VARCHAR', expected: 'BIGINT', found: 'BIGINT',
        "at": 'TIMESTAMP'});
