-- The files of some ids (SQLite), as their last rows have them: identifier, key, run, state, reason, size, checksum,
-- media_type, url, at, bytes, sha256, held_in. The last three are of the newest content, which run held_in has read:
-- where that is an earlier one, what it brought is still there. Null where there is none.
-- Parameters: identifiers (a JSON array).
WITH named AS (
    SELECT max(file) AS file, max(file) FILTER (WHERE state = 'read') AS held
    FROM files WHERE identifier IN (SELECT value FROM json_each(:identifiers))
    GROUP BY identifier, key)
SELECT f.identifier, f.key, f.run, f.state, f.reason, f.size, f.checksum, f.media_type, f.url, f.at,
       h.bytes, h.sha256, h.run AS held_in
FROM named AS n JOIN files AS f ON f.file = n.file LEFT JOIN files AS h ON h.file = n.held
ORDER BY f.identifier, n.file;
