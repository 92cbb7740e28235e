-- Fill account_cuts from what the index holds (DuckDB). `listed` counts distinct ids in all outcomes, the states count
-- last outcomes: two ways to the same number, and the table's constraint compares them.
INSERT INTO account_cuts
WITH asked AS (
        SELECT 'window' AS cut, o.run, coalesce(o.channel, '') AS channel, r."window"::VARCHAR AS value, identifier,
            o.state, outcome
        FROM outcomes AS o JOIN requests AS r USING (request)),
     harvested AS (
        SELECT coalesce(channel, '') AS channel, identifier, state, outcome,
            CASE WHEN regexp_matches(stamp, '^\d{4}-(0[1-9]|1[0-2])') THEN stamp[:4] END AS year
        FROM outcomes WHERE mode <> 'census'),
     years AS (
        SELECT channel, identifier, arg_max(year, outcome) FILTER (year IS NOT NULL) AS value
        FROM harvested GROUP BY ALL),
     held AS (SELECT DISTINCT identifier, unnest(sets) AS value FROM versions WHERE latest),
     sets AS (
        SELECT DISTINCT channel, identifier, held.value FROM harvested JOIN held USING (identifier)
        UNION
        SELECT channel, identifier, regexp_extract(channel, '^(?:oaipmh|census):[^:]+:(.+)$', 1) AS value
        FROM harvested WHERE value <> ''),
     placed AS (
        SELECT * FROM asked
        UNION ALL BY NAME
        SELECT 'year' AS cut, NULL AS run, channel, value, identifier, state, outcome
        FROM harvested JOIN years USING (channel, identifier)
        UNION ALL BY NAME
        SELECT 'set' AS cut, NULL AS run, channel, sets.value, identifier, state, outcome
        FROM harvested LEFT JOIN sets USING (channel, identifier)),
     listed AS (
        SELECT cut, run, channel, value, count(DISTINCT identifier) AS listed FROM placed GROUP BY ALL),
     ended AS (
        SELECT cut, run, channel, value, identifier, arg_max(state, outcome) AS state FROM placed GROUP BY ALL),
     counted AS (
        SELECT cut, run, channel, value,
            count(*) FILTER (state = 'read') AS "read", count(*) FILTER (state = 'deleted') AS deleted,
            count(*) FILTER (state = 'absent') AS absent, count(*) FILTER (state = 'moved') AS moved,
            count(*) FILTER (state = 'forbidden') AS forbidden, count(*) FILTER (state = 'refused') AS refused,
            count(*) FILTER (state = 'lost') AS lost, count(*) FILTER (state = 'open') AS "open"
        FROM ended GROUP BY ALL)
SELECT l.cut, l.run, l.channel, l.value, listed, "read", deleted, absent, moved, forbidden, refused, lost, "open"
FROM listed AS l JOIN counted AS c ON l.cut = c.cut AND l.channel = c.channel
    AND l.run IS NOT DISTINCT FROM c.run AND l.value IS NOT DISTINCT FROM c.value
ORDER BY ALL;
