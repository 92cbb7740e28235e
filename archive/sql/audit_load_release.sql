-- The records and tombstones of a release, by their formats. Parameters: path (of its index).
INSERT INTO wanted
SELECT name, identifier, moment_of(datestamp), length(datestamp) = 10,
    CASE WHEN moment_of(datestamp) IS NULL THEN nullif(datestamp, '') END, deleted, NULL, file_row_number
FROM read_parquet($path, file_row_number = true) JOIN names ON names.text = format;
