-- The windows of those runs are gone through again (SQLite): only the files in them that are lost are asked for.
-- Parameters: sha256.
UPDATE windows SET state = 'lost'
WHERE state = 'done' AND run IN (SELECT run FROM files WHERE sha256 = :sha256)
  AND run IN (SELECT max(run) FROM runs GROUP BY spider, mode, arguments);
