-- Files whose content (sha256) is damaged are lost (SQLite).
-- Parameters: sha256.
UPDATE files SET state = 'lost', reason = 'its content was damaged', sha256 = NULL, bytes = NULL
WHERE sha256 = :sha256;
