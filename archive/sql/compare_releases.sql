-- One row an identifier and format of either release, with its kind: same, added, changed, revived (a tombstone
-- before), deleted (live before), tombstone_added, tombstone_changed, gone (in neither form any more).
-- Parameters: old, new (paths of their indexes); texts (whether the digests are of the same form of text; if not,
-- only datestamps are compared).
CREATE TABLE compared AS
WITH old AS (SELECT identifier, format, datestamp, deleted, unhex(sha256) AS digest FROM read_parquet($old)),
     new AS (SELECT identifier, format, datestamp, deleted, unhex(sha256) AS digest FROM read_parquet($new)),
     pairs AS (
        SELECT identifier, format, old.deleted AS before, new.deleted AS now,
            old.datestamp IS NOT DISTINCT FROM new.datestamp
                AND (old.digest IS NOT DISTINCT FROM new.digest OR NOT $texts) AS alike
        FROM old FULL JOIN new USING (identifier, format))
SELECT identifier, format,
    CASE WHEN now IS NULL THEN 'gone'
        WHEN before IS NULL THEN CASE WHEN now THEN 'tombstone_added' ELSE 'added' END
        WHEN before AND NOT now THEN 'revived'
        WHEN now AND NOT before THEN 'deleted'
        WHEN alike THEN 'same'
        WHEN now THEN 'tombstone_changed'
        ELSE 'changed' END AS kind
FROM pairs;
