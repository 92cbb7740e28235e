-- Lists of a run that were cut into parts which are all settled (SQLite), the parts of others first: window, parent,
-- channel, from_, until, end, stated, reason (of the last answer to it that could not be used, or NULL).
-- Parameters: run.
WITH RECURSIVE below AS (
    SELECT window AS top, window FROM windows WHERE run = :run AND state = 'split'
    UNION ALL
    SELECT b.top, w.window FROM below AS b JOIN windows AS w ON w.parent = b.window WHERE w.run = :run)
SELECT w.window, w.parent, w.channel, w.from_, w.until, w.end, w.stated,
       (SELECT r.reason FROM requests AS r WHERE r.window = w.window AND r.state IN ('refused', 'lost')
        ORDER BY r.request DESC LIMIT 1) AS reason
FROM windows AS w
WHERE w.run = :run AND w.state = 'split' AND w.window NOT IN (
    SELECT b.top FROM below AS b JOIN windows AS part ON part.window = b.window WHERE part.state IN ('open', 'lost'))
ORDER BY w.window DESC;
