-- Keep of each record the version harvested last, and no tombstones. Changes the table `checked`.
CREATE TEMP TABLE superseded AS
    SELECT outcome FROM checked
    QUALIFY row_number() OVER (PARTITION BY format, identifier ORDER BY outcome DESC) > 1;
DELETE FROM checked WHERE deleted OR outcome IN (SELECT outcome FROM superseded);
DROP TABLE superseded;
