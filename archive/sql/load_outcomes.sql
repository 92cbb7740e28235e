-- Outcomes of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO outcomes BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {run: 'INTEGER', channel: 'VARCHAR', identifier: 'VARCHAR', request: 'BIGINT', local_id: 'VARCHAR',
        state: 'VARCHAR', http_status: 'INTEGER', reason: 'VARCHAR', attempts: 'INTEGER', "at": 'TIMESTAMP',
        datestamp: 'TIMESTAMP', stamp: 'VARCHAR', outcome: 'BIGINT', mode: 'VARCHAR'});
