-- Whether a channel has ever shown a record (SQLite): a row, or none. A tombstone from a list, or in HTML, shows none.
-- Parameters: channel.
SELECT 1
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.channel = :channel
  AND (o.state IN ('read', 'moved') OR (o.state = 'deleted' AND coalesce(o.reason, '') NOT LIKE 'HTTP status 410 with %'
                                        AND coalesce(o.reason, '') NOT LIKE 'deleted by its OAI-PMH header%'))
LIMIT 1;
