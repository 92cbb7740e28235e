-- Refused bodies that the ledger names, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO quarantine BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {quarantine: 'INTEGER', request: 'BIGINT', identifier: 'VARCHAR', name: 'VARCHAR', bytes: 'BIGINT',
        sha256: 'VARCHAR'});
