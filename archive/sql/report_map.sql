-- The map of gaps (DuckDB): one row a cell that has ids: cell (from 0), same, missing, extra, differs, untold.
-- Parameters: prefix, first (number at which cell 0 begins), width (numbers in a cell).
SELECT (number - $first) // $width AS cell,
       count(*) FILTER (mark = '=') AS same, count(*) FILTER (mark = '+') AS missing,
       count(*) FILTER (mark = '-') AS extra, count(*) FILTER (mark = '*') AS differs,
       count(*) FILTER (mark = '!') AS untold
FROM report_ids
WHERE prefix = $prefix
GROUP BY cell
ORDER BY cell;
