-- How the windows of a run stand (SQLite), in the order in which they were opened: state, end, stated, distinct_ids.
-- Parameters: run.
SELECT state, "end", stated, coalesce(distinct_ids, 0) FROM windows WHERE run = :run ORDER BY window;
