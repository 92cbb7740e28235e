-- The local ids behind hashes: those that are too long for a sketch. Columns: hash, local_id. Parameters: hashes.
SELECT DISTINCT sha256(local_id) AS hash, local_id
FROM records
WHERE octet_length(encode(local_id)) > 47 AND list_contains($hashes, sha256(local_id));
