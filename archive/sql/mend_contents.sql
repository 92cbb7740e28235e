-- A content that is damaged is none (SQLite).
-- Parameters: sha256.
DELETE FROM contents WHERE sha256 = :sha256;
