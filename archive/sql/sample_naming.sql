-- What stands before the local id in the identifiers of lists, and the metadata prefix: the most frequent of each.
-- Columns: before, prefix. No row where no list was read.
SELECT left(identifier, length(identifier) - length(local_id)) AS before, split_part(channel, ':', 2) AS prefix
FROM outcomes
WHERE split_part(channel, ':', 1) IN ('oaipmh', 'census') AND ends_with(identifier, local_id)
GROUP BY ALL
ORDER BY count(*) DESC, before, prefix
LIMIT 1;
