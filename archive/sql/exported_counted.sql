-- How many outcomes a window has, one for each member of its file that was counted (SQLite): one row, one number.
-- Parameters: window.
SELECT coalesce(sum(last_outcome - first_outcome + 1), 0) FROM requests WHERE window = :window;
