-- Runs of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO runs BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {run: 'INTEGER', spider: 'VARCHAR', mode: 'VARCHAR', arguments: 'VARCHAR', software: 'VARCHAR',
        started: 'TIMESTAMP', provider_started: 'VARCHAR', finished: 'TIMESTAMP', state: 'VARCHAR'});
