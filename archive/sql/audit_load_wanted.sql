-- Ids of the target from a spill file of one JSON object a line. Parameters: path; longest (bytes of the longest line).
INSERT INTO wanted SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {channel: 'VARCHAR', identifier: 'VARCHAR', datestamp: 'VARCHAR', deleted: 'BOOLEAN', place: 'BIGINT'});
