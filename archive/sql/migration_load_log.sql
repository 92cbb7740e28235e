-- Lines of an uploader's log from a spill file of one JSON object a line. Parameters: path; longest.
INSERT INTO log_rows BY NAME SELECT * FROM read_json($path, format = 'newline_delimited',
    maximum_object_size = $longest, columns = {line: 'BIGINT', item: 'VARCHAR', said: 'VARCHAR', reason: 'VARCHAR',
        keys: 'VARCHAR[]', targets: 'VARCHAR[]'});
