-- Each item of the source with its class; `newest` is the last version of what it was matched with.
-- Parameters: needs_keys (whether the rule goes by names; an item without one cannot be matched).
CREATE TABLE classed AS
WITH found AS (
        SELECT p.source AS item, count(*) FILTER (NOT c.deleted) AS live, count(*) FILTER (c.deleted) AS dead,
            count(DISTINCT c.chain) FILTER (NOT c.deleted) AS chains,
            max(c.claimants) FILTER (NOT c.deleted) AS claimants,
            arg_max(t.item, (coalesce(t.position, 0), t.item)) FILTER (NOT c.deleted) AS newest
        FROM pairs AS p JOIN claims AS c USING (target) JOIN target AS t ON t.item = p.target
        GROUP BY p.source),
     keyed AS (SELECT item, bool_or(len(keys) > 0) AS keyed FROM source_rows GROUP BY item)
SELECT s.item, s.local_id, s.title, s.type, s.year, s.sets, coalesce(f.live, 0) AS live, f.newest,
    CASE WHEN s.deleted AND coalesce(f.live, 0) > 0 THEN 'kept'
        WHEN s.deleted THEN 'withdrawn'
        WHEN f.item IS NULL AND NOT k.keyed AND $needs_keys THEN 'unkeyed'
        WHEN f.item IS NULL THEN 'missing'
        WHEN f.live = 0 THEN 'gone'
        WHEN f.chains > 1 THEN 'ambiguous'
        WHEN f.claimants > 1 THEN 'contested'
        ELSE 'matched' END AS class
FROM source AS s JOIN keyed AS k USING (item) LEFT JOIN found AS f USING (item);
