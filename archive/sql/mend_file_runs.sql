-- Runs, the newest in their words, that have a file whose content (sha256) is damaged are unfinished (SQLite): the same
-- command asks for it again.
-- Parameters: sha256.
UPDATE runs SET state = 'unfinished', finished = NULL
WHERE run IN (SELECT run FROM files WHERE sha256 = :sha256)
  AND run IN (SELECT max(run) FROM runs GROUP BY spider, mode, arguments);
