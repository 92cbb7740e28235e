-- Ids of an audit by the month of their datestamp, there or else here (DuckDB): month ("2024-05"; NULL: neither side has
-- one), same, missing, extra, differs, untold.
SELECT month,
       count(*) FILTER (mark = '=') AS same, count(*) FILTER (mark = '+') AS missing,
       count(*) FILTER (mark = '-') AS extra, count(*) FILTER (mark = '*') AS differs,
       count(*) FILTER (mark = '!') AS untold
FROM report_ids
GROUP BY month
ORDER BY month;
