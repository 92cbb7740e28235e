-- Records that have more copies than one, and of which one was read now or is of a run that has ended since: a temporary
-- table `repeated` of format, identifier.
-- Parameters: after (outcomes behind this one were read now), shards (a list; all of these were read now), runs (a list of
-- those that had not ended when the index was last renewed).
CREATE TEMP TABLE repeated AS
    WITH fresh AS (
            SELECT format, identifier FROM versions
            WHERE outcome > $after OR list_contains($shards, shard) OR list_contains($runs, run)
            UNION
            SELECT format, identifier FROM repeats WHERE list_contains($runs, run)),
         copies AS (SELECT format, identifier FROM versions UNION ALL SELECT format, identifier FROM repeats)
    SELECT format, identifier
    FROM copies SEMI JOIN fresh USING (format, identifier)
    GROUP BY format, identifier
    HAVING count(*) > 1;
