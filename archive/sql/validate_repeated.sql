-- Records that have more copies than one: outcomes (a list).
SELECT list(outcome ORDER BY outcome) AS outcomes FROM checked GROUP BY format, identifier HAVING count(*) > 1;
