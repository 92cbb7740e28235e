-- Requests of a ledger as CSV (SQLite): a thousand a row, as one text. Parameters: first, last (both included).
SELECT group_concat(request || ',' || run || ',' || coalesce(channel, '') || ',' || coalesce("window", '') || ','
    || attempt, char(10))
FROM requests WHERE request BETWEEN :first AND :last GROUP BY request >> 10;
