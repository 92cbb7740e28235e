-- Rows of the ledger about files, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO download_rows BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {file: 'BIGINT', run: 'INTEGER', identifier: 'VARCHAR', "key": 'VARCHAR', url: 'VARCHAR', size: 'BIGINT',
        checksum: 'VARCHAR', media_type: 'VARCHAR', version: 'VARCHAR', state: 'VARCHAR', reason: 'VARCHAR',
        sha256: 'VARCHAR', bytes: 'BIGINT', "at": 'TIMESTAMP'});
