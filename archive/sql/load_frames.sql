-- Frames of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO frames BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {shard: 'INTEGER', frame: 'INTEGER', "offset": 'BIGINT', bytes: 'BIGINT', content_bytes: 'BIGINT',
        records: 'BIGINT', first_outcome: 'BIGINT', last_outcome: 'BIGINT'});
