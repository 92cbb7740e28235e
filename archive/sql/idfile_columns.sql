-- Columns of a Parquet file by their names. Parameters: path, names.
SELECT COLUMNS(lambda name: list_contains($names, name)) FROM read_parquet($path);
