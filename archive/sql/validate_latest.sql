-- Keep of each record its latest state, and no tombstones: in the temporary table `chosen` are the outcomes of the latest
-- states of records that have more copies than one. Changes the table `checked`.
CREATE TEMP TABLE superseded AS
    SELECT outcome
    FROM (SELECT outcome, count(*) OVER (PARTITION BY format, identifier) AS copies FROM checked) ANTI JOIN chosen USING (outcome)
    WHERE copies > 1;
DELETE FROM checked WHERE deleted OR outcome IN (SELECT outcome FROM superseded);
DROP TABLE superseded;
