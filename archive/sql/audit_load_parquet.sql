-- Ids of a Parquet file. Parameters: path, name; id_column, stamp_column, deleted_column, status_column, digest_column:
-- what its columns are called, "none of these" where there is none.
INSERT INTO wanted
SELECT $name, trim(identifier), moment_of(stamp), length(stamp) = 10,
    CASE WHEN moment_of(stamp) IS NULL THEN nullif(stamp, '') END,
    coalesce(lower(trim(nullif(deleted, ''))) IN ('true', '1', 't', 'yes'), lower(trim(nullif(status, ''))) = 'deleted'),
    lower(nullif(digest, '')), file_row_number
FROM (
    SELECT COLUMNS(lambda name: name = $id_column)::VARCHAR AS identifier,
        COLUMNS(lambda name: name = $stamp_column)::VARCHAR AS stamp,
        COLUMNS(lambda name: name = $deleted_column)::VARCHAR AS deleted,
        COLUMNS(lambda name: name = $status_column)::VARCHAR AS status,
        COLUMNS(lambda name: name = $digest_column)::VARCHAR AS digest, file_row_number
    FROM (SELECT *, NULL AS "none of these" FROM read_parquet($path, file_row_number = true)));
