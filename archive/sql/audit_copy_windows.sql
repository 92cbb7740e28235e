-- Windows of a ledger as CSV (SQLite), one a row.
SELECT "window" || ',' || run || ',' || channel || ',"' || replace(coalesce(from_, ''), '"', '""') || '","'
    || replace(coalesce(until, ''), '"', '""') || '",' || state
FROM windows;
