-- Each mapped field (its number from 0) of items that were matched, with a judgement: equal, different, only_old,
-- only_new, neither, or uncompared where one side has no record in the format that is compared.
-- Parameters: fields (how many).
CREATE TABLE judged AS
SELECT c.item, c.newest, n.field, s."values"[n.field + 1] AS old, t."values"[n.field + 1] AS new,
    CASE WHEN s."values" IS NULL OR t."values" IS NULL THEN 'uncompared'
        WHEN len(old) = 0 AND len(new) = 0 THEN 'neither'
        WHEN len(old) = 0 THEN 'only_new'
        WHEN len(new) = 0 THEN 'only_old'
        WHEN old = new THEN 'equal'
        ELSE 'different' END AS judgement
FROM classed AS c JOIN source AS s USING (item) JOIN target AS t ON t.item = c.newest,
    range($fields) AS n(field)
WHERE c.class = 'matched';
