-- Requests of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO requests BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {request: 'BIGINT', run: 'INTEGER', channel: 'VARCHAR', "window": 'INTEGER', attempt: 'INTEGER',
        url: 'VARCHAR', state: 'VARCHAR', http_status: 'INTEGER', reason: 'VARCHAR', attempts: 'INTEGER',
        "at": 'TIMESTAMP', listed: 'BIGINT', first_outcome: 'BIGINT', last_outcome: 'BIGINT'});
