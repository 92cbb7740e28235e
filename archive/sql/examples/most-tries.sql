-- Requests that took most tries.
SELECT attempts, state, http_status, reason, url, "at"
FROM requests
WHERE attempts > 1
ORDER BY attempts DESC, request
LIMIT 50;
