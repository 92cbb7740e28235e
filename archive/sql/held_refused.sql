-- Refused bodies (SQLite) that were answers to some requests or are of some ids: request, name, bytes, sha256.
-- Parameters: requests, identifiers (JSON arrays).
SELECT request, name, bytes, sha256
FROM quarantine
WHERE request IN (SELECT value FROM json_each(:requests)) OR identifier IN (SELECT value FROM json_each(:identifiers))
ORDER BY quarantine;
