-- Some ids of one mark, with both sides. Parameters: mark, limit.
SELECT channel, identifier, reason, datestamp_there, datestamp_here, deleted_there, deleted_here
FROM marked WHERE mark = $mark ORDER BY channel, identifier LIMIT $limit;
