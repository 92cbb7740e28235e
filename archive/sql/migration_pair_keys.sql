-- Pairs that share a name.
INSERT INTO pairs
SELECT DISTINCT s.item, t.item
FROM (SELECT DISTINCT item, unnest(keys) AS key FROM source_rows) AS s
JOIN (SELECT DISTINCT item, unnest(keys) AS key FROM target_rows) AS t USING (key);
