-- Outcomes of a ledger as CSV (SQLite): a thousand a row, as one text. Parameters: first, last (both included).
SELECT group_concat(outcome || ',' || request || ',"' || replace(identifier, '"', '""') || '","'
    || replace(coalesce(datestamp, ''), '"', '""') || '",' || state || ',' || (reason IS NOT 'not modified'), char(10))
FROM outcomes WHERE outcome BETWEEN :first AND :last GROUP BY outcome >> 10;
