-- The columns of a Parquet file that say what an id is, whatever the case of their names. Parameters: path, names.
SELECT COLUMNS(lambda name: list_contains($names, lower(name))) FROM read_parquet($path);
