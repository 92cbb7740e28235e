-- The content of a file that has no checksum (SQLite), when nothing about it changed since it was read: sha256, bytes.
-- Parameters: identifier, key, url, size (NULL: not stated), version ('': the record says nothing of its version).
SELECT sha256, bytes FROM files
WHERE identifier = :identifier AND key = :key AND state = 'read' AND url = :url AND size IS :size
  AND version = :version AND version <> ''
ORDER BY file DESC
LIMIT 1;
