-- Each item with its class: what the log says of it against what the target holds. A chain of versions is one record.
-- done, failed: log and target agree; false_failure: there, and the log says failed; false_success: not there, and the
-- log says done; never_tried; unlogged: there, and the log says nothing; removed: only as a tombstone.
-- `copies` are things there that the item was found as: more than one was uploaded twice.
CREATE TABLE classed AS
WITH found AS (
        SELECT p.source AS item, count(DISTINCT coalesce(t.concept, t.item)) FILTER (NOT t.deleted) AS copies,
            count(*) FILTER (t.deleted) AS tombstones
        FROM pairs AS p JOIN target AS t ON t.item = p.target GROUP BY p.source)
SELECT u.*, coalesce(f.copies, 0) AS copies,
    CASE WHEN f.copies > 0 AND u.said = 'done' THEN 'done'
        WHEN f.copies > 0 AND u.said = 'failed' THEN 'false_failure'
        WHEN f.copies > 0 THEN 'unlogged'
        WHEN f.tombstones > 0 THEN 'removed'
        WHEN u.said = 'done' THEN 'false_success'
        WHEN u.said = 'failed' THEN 'failed'
        ELSE 'never_tried' END AS class
FROM uploads AS u LEFT JOIN found AS f USING (item);
