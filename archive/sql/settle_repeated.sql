-- Records of which a copy was read now and which have more than one: a temporary table `repeated` of format, identifier.
-- Parameters: after (outcomes behind this one were read now), shards (a list; all of these were read now).
CREATE TEMP TABLE repeated AS
    WITH fresh AS (SELECT DISTINCT format, identifier FROM versions WHERE outcome > $after OR list_contains($shards, shard)),
         copies AS (SELECT format, identifier FROM versions UNION ALL SELECT format, identifier FROM repeats)
    SELECT format, identifier
    FROM copies SEMI JOIN fresh USING (format, identifier)
    GROUP BY format, identifier
    HAVING count(*) > 1;
