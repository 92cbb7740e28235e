-- Ids of a list from CSV. Parameters: path, name.
INSERT INTO wanted
SELECT $name, identifier, moment_of(stamp), length(stamp) = 10,
    CASE WHEN moment_of(stamp) IS NULL THEN nullif(stamp, '') END, deleted, nullif(digest, ''), place
FROM read_csv($path, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
    allow_quoted_nulls = false, max_line_size = 64000000,
    columns = {identifier: 'VARCHAR', stamp: 'VARCHAR', deleted: 'BOOLEAN', digest: 'VARCHAR', place: 'BIGINT'});
