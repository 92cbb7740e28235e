-- How the ids stand by set (DuckDB, index): one row a channel and set: channel, set_spec (NULL: none is known), then
-- listed (distinct ids) and how many of them are in each state. The sets of an id are those of the latest headers that
-- are held of it, and the one that the channel asked for; an id in two sets is in two rows.
-- Parameters: run (NULL is all of them together, a census left out).
WITH ended AS (
        SELECT coalesce(channel, '') AS channel, identifier, arg_max(state, outcome) AS state
        FROM outcomes
        WHERE CASE WHEN $run::INTEGER IS NULL THEN mode <> 'census' ELSE run = $run END
        GROUP BY ALL),
     held AS (SELECT DISTINCT identifier, unnest(sets) AS set_spec FROM versions WHERE latest),
     asked AS (
        SELECT DISTINCT channel, regexp_extract(channel, '^(?:oaipmh|census):[^:]+:(.+)$', 1) AS set_spec
        FROM ended),
     members AS (
        SELECT channel, identifier, set_spec FROM ended JOIN held USING (identifier)
        UNION
        SELECT channel, identifier, set_spec FROM ended JOIN asked USING (channel) WHERE set_spec <> '')
SELECT ended.channel, set_spec, count(DISTINCT identifier) AS listed,
       count(*) FILTER (state = 'read') AS "read", count(*) FILTER (state = 'deleted') AS deleted,
       count(*) FILTER (state = 'absent') AS absent, count(*) FILTER (state = 'moved') AS moved,
       count(*) FILTER (state = 'forbidden') AS forbidden, count(*) FILTER (state = 'refused') AS refused,
       count(*) FILTER (state = 'lost') AS lost, count(*) FILTER (state = 'open') AS "open"
FROM ended LEFT JOIN members USING (channel, identifier)
GROUP BY ended.channel, set_spec
ORDER BY ended.channel, set_spec NULLS LAST;
