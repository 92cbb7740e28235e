-- Ids that are there more than once: side (0 here, 1 there), channel, identifier, times. Parameters: limit.
SELECT side, text AS channel, identifier, times FROM twice JOIN names USING (name)
ORDER BY side, identifier, channel LIMIT $limit;
