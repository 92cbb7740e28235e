-- How many windows of the last harvest could not be had, or not yet (SQLite): one number.
SELECT count(*) FROM windows
WHERE state IN ('lost', 'open') AND run = (SELECT max(run) FROM runs WHERE mode <> 'census');
