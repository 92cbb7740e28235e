-- Findings of each code and severity (SQLite), the worst first: code, severity, count, message of the first.
SELECT code, severity, count(*) AS count, message, min(finding) AS first
FROM findings
GROUP BY code, severity
ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, count(*) DESC, code;
