-- The columns of a Parquet file, without its rows. Parameters: path.
SELECT * FROM read_parquet($path) LIMIT 0;
