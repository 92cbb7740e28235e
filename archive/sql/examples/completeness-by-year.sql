-- By year of the datestamp, how many of the ids that were asked for are held.
WITH settled AS (
        SELECT channel, identifier, arg_max(state, outcome) AS state, arg_max(datestamp, outcome) AS datestamp
        FROM outcomes WHERE mode <> 'census' GROUP BY channel, identifier)
SELECT year(datestamp) AS year, count(*) AS ids, count(*) FILTER (state = 'read') AS held,
       count(*) FILTER (state = 'deleted') AS deleted,
       count(*) FILTER (state IN ('refused', 'lost', 'open')) AS missing,
       round(100.0 * count(*) FILTER (state NOT IN ('refused', 'lost', 'open')) / count(*), 3) AS percent
FROM settled
GROUP BY ALL
ORDER BY year;
