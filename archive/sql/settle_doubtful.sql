-- Records in `repeated` whose last copy may not be their latest state: outcomes and contents (lists, of all their copies;
-- a content is text as archive.store.versions.content_of makes it, without what an index does not have).
-- A copy surely gives way to the last one where that is newer, or a later look at the same list that is not older, or the
-- same; the rule itself is in archive/store/versions.py.
-- Parameters: in_turn (whether the runs came one after the other).
WITH copies AS (
        SELECT v.format, v.identifier, v.outcome, v.run, o.channel, v.datestamp, length(trim(v.stamp)) = 10 AS day, v.stamp,
               v.deleted, v.sha256, list_sort(v.sets) AS sets
        FROM (SELECT format, identifier, outcome, run, datestamp, stamp, deleted, sha256, sets FROM versions
              UNION ALL BY NAME
              SELECT format, identifier, outcome, run, datestamp, stamp, deleted, sha256, sets FROM repeats) AS v
             SEMI JOIN repeated USING (format, identifier)
             LEFT JOIN outcomes AS o USING (outcome)),
     compared AS (
        SELECT *, last_value({run: run, channel: channel, datestamp: datestamp, stamp: stamp, deleted: deleted,
                              sha256: sha256, sets: sets, outcome: outcome}) OVER story AS last
        FROM copies
        WINDOW story AS (PARTITION BY format, identifier ORDER BY outcome
                         ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))
SELECT list(outcome ORDER BY outcome) AS outcomes,
       list(coalesce(sha256, '') || chr(10) || array_to_string(list_append(sets, ''), chr(10)) ORDER BY outcome) AS contents
FROM compared
GROUP BY format, identifier
HAVING NOT $in_turn OR count(DISTINCT day) > 1
    OR bool_or(outcome <> last.outcome AND NOT coalesce(
        datestamp < last.datestamp
        OR (run < last.run AND channel = last.channel
            AND (datestamp <= last.datestamp OR (datestamp IS NULL AND last.datestamp IS NULL)))
        OR ((stamp, deleted, sha256, sets) IS NOT DISTINCT FROM (last.stamp, last.deleted, last.sha256, last.sets)),
        false));
