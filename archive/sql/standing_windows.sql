-- How many windows are in which state (SQLite): state, windows.
SELECT state, count(*) AS windows FROM windows GROUP BY state ORDER BY state;
