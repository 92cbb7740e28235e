-- Shards of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO shards BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {shard: 'INTEGER', name: 'VARCHAR', run: 'INTEGER', state: 'VARCHAR', records: 'BIGINT',
        frames: 'BIGINT', bytes: 'BIGINT', content_bytes: 'BIGINT', sha256: 'VARCHAR'});
