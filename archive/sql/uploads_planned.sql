-- What was to be uploaded, each with the item of the log that goes by one of its names (NULL: none does).
CREATE TABLE planned AS
SELECT s.item, min(l.item) AS logged
FROM (SELECT item, unnest(list_append(keys, item)) AS key FROM source_rows WHERE NOT deleted) AS s
LEFT JOIN (SELECT item, unnest(keys) AS key FROM log_rows) AS l USING (key)
GROUP BY s.item;
