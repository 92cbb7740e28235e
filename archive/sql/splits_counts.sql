-- How many identifiers are in the temporary tables that splits_ids fills (SQLite): listed (before the cut), brought
-- (by the parts), together (by either).
SELECT (SELECT count(*) FROM temp.own) AS listed, (SELECT count(*) FROM temp.parts) AS brought,
       (SELECT count(*) FROM (SELECT identifier FROM temp.own UNION SELECT identifier FROM temp.parts)) AS together;
