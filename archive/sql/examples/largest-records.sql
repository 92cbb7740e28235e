-- The records with the most metadata.
SELECT identifier, format, strlen(metadata::VARCHAR) AS bytes, title
FROM records
WHERE NOT deleted AND metadata IS NOT NULL
ORDER BY bytes DESC, identifier
LIMIT 20;
