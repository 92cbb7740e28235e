-- Every local id of a part of the index, once, with its newest version over all formats as one number: twice the seconds
-- since 1970 of its datestamp, and one more when it is live. Of two with one datestamp the live one counts.
-- Columns: local_id, version. Parameters: part, parts; no_time (the seconds of what has no datestamp).
SELECT local_id, max(2 * coalesce(epoch(datestamp)::BIGINT, $no_time) + (NOT deleted)::BIGINT) AS version
FROM records
WHERE hash(local_id) % $parts = $part
GROUP BY local_id;
