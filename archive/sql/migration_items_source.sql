-- One row an item of the source, whatever number of formats it came in: its live row in the format that is compared,
-- else of another. Parameters: format.
CREATE TABLE source AS
    SELECT * EXCLUDE (keys, ids) FROM source_rows
    QUALIFY row_number() OVER (PARTITION BY item ORDER BY deleted, format <> $format, format) = 1;
