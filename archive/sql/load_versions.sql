-- Records read from shards, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO versions BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {identifier: 'VARCHAR', format: 'VARCHAR', datestamp: 'TIMESTAMP', deleted: 'BOOLEAN',
        sets: 'VARCHAR[]', local_id: 'VARCHAR', doi: 'VARCHAR', title: 'VARCHAR', resource_type: 'VARCHAR',
        publication_year: 'INTEGER', creators: 'VARCHAR[]', license: 'VARCHAR', url: 'VARCHAR',
        retrieved: 'TIMESTAMP', sha256: 'VARCHAR', metadata: 'JSON', shard: 'INTEGER', frame: 'INTEGER',
        stamp: 'VARCHAR', position: 'INTEGER', run: 'INTEGER', outcome: 'BIGINT'});
