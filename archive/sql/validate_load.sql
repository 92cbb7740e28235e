-- Records that were checked, from a spill file of one JSON object a line.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO checked BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {identifier: 'VARCHAR', local_id: 'VARCHAR', format: 'VARCHAR', outcome: 'BIGINT', deleted: 'BOOLEAN',
        declared: 'VARCHAR', schema: 'VARCHAR', faults: 'STRUCT(schema VARCHAR, place VARCHAR, rule VARCHAR, message VARCHAR)[]',
        dois: 'VARCHAR[]', titles: 'VARCHAR[]', dates: 'VARCHAR[]'});
