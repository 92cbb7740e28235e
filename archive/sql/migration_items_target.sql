-- One row an item of the target, whatever number of formats it came in: its live row in the format that is compared,
-- else of another. Parameters: format.
CREATE TABLE target AS
    SELECT * EXCLUDE (keys) FROM target_rows
    QUALIFY row_number() OVER (PARTITION BY item ORDER BY deleted, format <> $format, format) = 1;
