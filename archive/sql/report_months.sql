-- Ids of an audit by the month of their datestamp, there or else here (DuckDB): month ("2024-05"; NULL: neither side has
-- one), same, missing, extra, differs, untold.
SELECT CASE WHEN regexp_matches(stamp, '^\d{4}-[01]\d') THEN stamp[:7] END AS month,
       count(*) FILTER (mark = '=') AS same, count(*) FILTER (mark = '+') AS missing,
       count(*) FILTER (mark = '-') AS extra, count(*) FILTER (mark = '*') AS differs,
       count(*) FILTER (mark = '!') AS untold
FROM (SELECT mark, coalesce(datestamp_there, datestamp_here)::VARCHAR AS stamp FROM compared WHERE mark <> '~')
GROUP BY month
ORDER BY month;
