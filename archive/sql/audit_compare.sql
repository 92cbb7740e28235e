-- One row an id and channel, with its mark: = same, + missing here, - extra here, * differs, ! could not tell,
-- ~ a tombstone here and nothing there. `reason` is why an id is missing: its state, or "never listed".
-- Parameters: finished (whether all of the target is known; without it nothing can be called extra).
CREATE TABLE compared AS
WITH here AS (
        SELECT channel, identifier, arg_max(state, place) AS state,
            arg_max(datestamp, place) FILTER (state IN ('read', 'deleted')) AS datestamp,
            arg_max(state = 'deleted', place) FILTER (state IN ('read', 'deleted')) AS deleted
        FROM outcomes GROUP BY channel, identifier),
     there AS (
        SELECT channel, identifier, arg_max_null(datestamp, place) AS datestamp, arg_max_null(deleted, place) AS deleted
        FROM wanted GROUP BY channel, identifier),
     pairs AS (
        SELECT channel, identifier, there.channel IS NOT NULL AS is_there, here.deleted IS NOT NULL AS is_here,
            there.datestamp AS datestamp_there, here.datestamp AS datestamp_here,
            there.deleted AS deleted_there, here.deleted AS deleted_here, here.state
        FROM here FULL JOIN there USING (channel, identifier))
SELECT channel, identifier,
    CASE WHEN is_there AND NOT is_here THEN '+'
        WHEN is_there AND coalesce(deleted_there <> deleted_here, false) THEN '*'
        WHEN is_there AND coalesce(datestamp_there <> datestamp_here, false) THEN '*'
        WHEN is_there THEN '='
        WHEN NOT $finished THEN '!'
        WHEN deleted_here THEN '~'
        ELSE '-' END AS mark,
    CASE WHEN is_there AND NOT is_here THEN coalesce(state, 'never listed') END AS reason,
    datestamp_there, datestamp_here, deleted_there, deleted_here
FROM pairs WHERE is_there OR is_here;
