-- What a ledger names that no harvest names so (SQLite), in the first rows: folder, name. Shards are NNNNN.json-seq.zst
-- and, written anew, NNNNN.N.json-seq.zst; refused bodies NNNNNN. Whoever wrote a name with / in it, or with NUL, wants
-- files elsewhere. A name that has NUL, or what is not ASCII, has more bytes than length() counts.
SELECT 'shards' AS folder, name FROM main.shards
WHERE typeof(name) <> 'text' OR length(CAST(name AS BLOB)) <> length(name)
    OR name NOT GLOB '[0-9][0-9][0-9][0-9][0-9]*.json-seq.zst'
    OR substr(name, 1, length(name) - 13) GLOB '*[^0-9.]*'
    OR substr(name, 1, length(name) - 13) GLOB '*.*.*'
    OR substr(name, 1, length(name) - 13) GLOB '*.'
UNION ALL
SELECT 'quarantine', name FROM main.quarantine
WHERE typeof(name) <> 'text' OR length(CAST(name AS BLOB)) <> length(name)
    OR name NOT GLOB '[0-9][0-9][0-9][0-9][0-9][0-9]*' OR name GLOB '*[^0-9]*'
LIMIT 1;
