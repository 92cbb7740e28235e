-- Every id with its mark: = same, + missing here, - extra here, * differs, ! could not tell, ~ a tombstone here and
-- nothing there. `finished`: all of the target is known; without it nothing can be called extra. `only_newer`: the
-- datestamps of the two sides are of several kinds, and only a later one there says something.
CREATE VIEW paired AS
SELECT name, identifier,
    CASE WHEN is_there AND NOT is_here THEN '+'
        WHEN is_there AND (deleted_there <> deleted_here OR stamps_differ) THEN '*'
        WHEN is_there THEN '='
        WHEN NOT getvariable('finished') THEN '!'
        WHEN deleted_here THEN '~'
        ELSE '-' END AS mark,
    * EXCLUDE (name, identifier, is_there, is_here, stamps_differ)
FROM (
    SELECT name, identifier, there.name IS NOT NULL AS is_there, coalesce(here.held, false) AS is_here,
        coalesce(CASE WHEN there.moment = here.moment THEN false
            WHEN there.moment IS NULL OR here.moment IS NULL
                THEN coalesce(there.odd, there.moment::VARCHAR) <> coalesce(here.odd, here.moment::VARCHAR)
            WHEN there.day OR here.day THEN there.moment::DATE <> here.moment::DATE
            WHEN getvariable('only_newer') THEN there.moment > here.moment
            ELSE true END, false) AS stamps_differ,
        here.state, here.request,
        there.moment AS moment_there, there.day AS day_there, there.odd AS odd_there, there.deleted AS deleted_there,
        CASE WHEN here.held THEN here.moment END AS moment_here, here.day AS day_here, here.odd AS odd_here,
        CASE WHEN here.held THEN here.deleted END AS deleted_here
    FROM (SELECT * FROM here WHERE in_part(identifier)) AS here
    FULL JOIN (SELECT * FROM there WHERE in_part(identifier)) AS there USING (name, identifier))
WHERE is_there OR is_here;
