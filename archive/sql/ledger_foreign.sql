-- What a ledger is never made of (SQLite): triggers, views but its census, and tables that hold values of any type or
-- are views in truth. One row each: type, name.
SELECT type, name FROM main.sqlite_schema WHERE type = 'trigger' OR (type = 'view' AND name <> 'census')
UNION ALL
SELECT type, name FROM pragma_table_list
WHERE schema = 'main' AND type <> 'view' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND (type <> 'table' OR NOT strict)
LIMIT 1;
