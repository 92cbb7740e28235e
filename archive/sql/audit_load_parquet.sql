-- Ids of a Parquet file. Parameters: path, name; true_words, gone_states; id_column, stamp_column, deleted_column,
-- status_column, removed_column, digest_column: what its columns are called, "none of these" where there is none.
INSERT INTO wanted
SELECT $name, trim(identifier, ' ' || chr(9) || chr(10) || chr(13)), moment_of(stamp), length(stamp) = 10,
    CASE WHEN moment_of(stamp) IS NULL THEN nullif(stamp, '') END,
    coalesce(list_contains($true_words, lower(trim(nullif(deleted, '')))),
        list_contains($gone_states, lower(trim(nullif(status, '')))),
        CASE WHEN trim(removed) <> '' THEN true END),
    lower(nullif(digest, '')), file_row_number
FROM (
    SELECT COLUMNS(lambda name: name = $id_column)::VARCHAR AS identifier,
        COLUMNS(lambda name: name = $stamp_column)::VARCHAR AS stamp,
        COLUMNS(lambda name: name = $deleted_column)::VARCHAR AS deleted,
        COLUMNS(lambda name: name = $status_column)::VARCHAR AS status,
        COLUMNS(lambda name: name = $removed_column)::VARCHAR AS removed,
        COLUMNS(lambda name: name = $digest_column)::VARCHAR AS digest, file_row_number
    FROM (SELECT *, NULL AS "none of these" FROM read_parquet($path, file_row_number = true)));
