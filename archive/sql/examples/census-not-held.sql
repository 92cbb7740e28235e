-- Ids that a census has listed as live, and of which no live record is held.
SELECT target, identifier, datestamp
FROM census
WHERE NOT deleted AND identifier NOT IN (SELECT identifier FROM records WHERE NOT deleted)
ORDER BY datestamp, identifier
LIMIT 1000;
