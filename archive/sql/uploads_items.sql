-- One row an item that was to be uploaded: of the log, and of the plan what the log does not name.
-- `said` is done when any line says so, else failed when any does, else pending; NULL when the log has no line of it.
CREATE TABLE uploads AS
SELECT item, count(*) FILTER (said <> 'pending') AS attempts,
    CASE WHEN bool_or(said = 'done') THEN 'done' WHEN bool_or(said = 'failed') THEN 'failed' ELSE 'pending' END AS said,
    arg_max(reason, line) AS reason, min(line) AS line
FROM log_rows GROUP BY item
UNION ALL
SELECT item, 0, NULL, NULL, NULL FROM planned WHERE logged IS NULL;
