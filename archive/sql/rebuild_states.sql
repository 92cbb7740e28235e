-- The newest full harvest in each wording is unfinished, or the newest incremental one where there is no full one
-- (SQLite): the same command lists again, and what nobody knows to be missing is asked for. A run whose words nobody
-- knows (a search, found by its records) cannot be asked again.
UPDATE main.runs SET state = 'unfinished', finished = NULL
WHERE run IN (
    SELECT run FROM (
        SELECT run, row_number() OVER (PARTITION BY spider, arguments ORDER BY mode = 'full' DESC, run DESC) AS place
        FROM main.runs
        WHERE mode IN ('full', 'incremental') AND (spider <> 'search' OR software <> '{}'))
    WHERE place = 1);
