-- Findings by code, with one of them.
SELECT severity, code, count(*) AS findings, any_value(message) AS one_of_them
FROM findings
GROUP BY severity, code
ORDER BY CASE severity WHEN 'error' THEN 1 WHEN 'warning' THEN 2 ELSE 3 END, findings DESC, code;
