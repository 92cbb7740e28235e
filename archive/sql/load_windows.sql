-- Windows of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO windows BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {"window": 'INTEGER', run: 'INTEGER', channel: 'VARCHAR', parent: 'INTEGER', verb: 'VARCHAR',
        from_: 'VARCHAR', until: 'VARCHAR', state: 'VARCHAR', "end": 'VARCHAR', listed: 'BIGINT',
        distinct_ids: 'BIGINT', stated: 'BIGINT', pages: 'INTEGER', attempts: 'INTEGER', opened: 'TIMESTAMP',
        closed: 'TIMESTAMP'});
