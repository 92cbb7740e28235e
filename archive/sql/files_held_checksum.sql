-- A content that came with a checksum and had it (SQLite): sha256, bytes.
-- Parameters: checksum; size (NULL: not stated).
SELECT sha256, bytes FROM files
WHERE checksum = :checksum AND state = 'read' AND (:size IS NULL OR bytes = :size)
ORDER BY file DESC
LIMIT 1;
