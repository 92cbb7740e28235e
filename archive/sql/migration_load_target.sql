-- Rows of the target from a spill file of one JSON object a line. Parameters: path; longest (bytes of a line, at most).
INSERT INTO target_rows BY NAME SELECT * FROM read_json($path, format = 'newline_delimited',
    maximum_object_size = $longest, columns = {
        item: 'VARCHAR', format: 'VARCHAR', deleted: 'BOOLEAN', local_id: 'VARCHAR', title: 'VARCHAR', type: 'VARCHAR',
        year: 'INTEGER', sets: 'VARCHAR[]', urls: 'VARCHAR[]', documents: 'STRUCT(urls VARCHAR[], place VARCHAR, "name" VARCHAR, checksum VARCHAR)[]',
        page: 'VARCHAR', keys: 'VARCHAR[]', ids: 'VARCHAR[]',
        concept: 'VARCHAR', position: 'INTEGER', previous: 'VARCHAR[]', "values": 'VARCHAR[][]', metadata: 'JSON'});
