-- Waits of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO waits BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {wait: 'INTEGER', run: 'INTEGER', host: 'VARCHAR', began: 'TIMESTAMP', seconds: 'DOUBLE',
        reason: 'VARCHAR'});
