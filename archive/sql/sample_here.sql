-- What the archive has of some ids. Columns: local_id; held (read, deleted or NULL: the newest of what is kept); state
-- (of the last harvest that asked, NULL where a census alone named it); datestamp (of the newest kept from `kinds`).
-- Parameters: ids; kinds (of channels whose datestamps mean the same as the target's).
SELECT o.local_id,
    arg_max(o.state, o.outcome) FILTER (r.mode <> 'census' AND o.state IN ('read', 'deleted')) AS held,
    arg_max(o.state, o.outcome) FILTER (r.mode <> 'census') AS state,
    arg_max(o.datestamp, o.outcome) FILTER (
        r.mode <> 'census' AND o.state = 'read' AND list_contains($kinds, split_part(o.channel, ':', 1))) AS datestamp
FROM outcomes AS o JOIN runs AS r USING (run)
WHERE o.local_id IN (SELECT unnest($ids))
GROUP BY o.local_id;
