-- Some of one kind: identifier, format. Parameters: kind, limit.
SELECT identifier, format FROM compared WHERE kind = $kind ORDER BY identifier, format LIMIT $limit;
