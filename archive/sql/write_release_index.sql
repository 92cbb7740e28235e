-- The index of a release, from a spool of one JSON object a row, in its order. Parameters: spool, longest (bytes of the
-- longest line), path. What rules the bytes: one thread, groups of so many rows, the compressor and its level.
COPY (
    SELECT * FROM read_json($spool, format = 'newline_delimited', maximum_object_size = $longest,
        columns = {identifier: 'VARCHAR', format: 'VARCHAR', datestamp: 'VARCHAR', deleted: 'BOOLEAN', part: 'VARCHAR',
            frame: 'INTEGER', "offset": 'BIGINT', length: 'BIGINT', position: 'INTEGER', sha256: 'VARCHAR'}))
TO $path (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 122880);
