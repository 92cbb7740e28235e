-- What is wrong with chains of versions that items were matched with: code, chain, item, positions, in that order.
-- chain-incomplete: of positions 1 to the highest some are not in the target, `positions` are those.
-- chain-repeated: several live records have one position.
-- chain-unnumbered: not one of its records says its position, though there are several.
-- concept-unknown: the record names no concept, though others of its repository do.
-- chain-split: an item and the one it succeeds were matched with different chains.
-- chain-disordered: they are in one chain, and not in that order.
CREATE TABLE chains AS
WITH touched AS (
        SELECT DISTINCT c.chain FROM pairs AS p JOIN classed ON classed.item = p.source JOIN claims AS c USING (target)
        WHERE classed.class = 'matched' AND NOT c.deleted),
     members AS (
        SELECT chain, t.item, t.concept, t.position
        FROM claims AS c JOIN touched USING (chain) JOIN target AS t ON t.item = c.target WHERE NOT c.deleted),
     steps AS (
        SELECT later.item, later_place.chain AS later_chain, earlier_place.chain AS earlier_chain,
            later_version.position AS later_position, earlier_version.position AS earlier_position
        FROM source AS later, unnest(later.previous) AS named(name)
        JOIN source AS earlier ON earlier.local_id = named.name
        JOIN classed AS l ON l.item = later.item AND l.class = 'matched'
        JOIN classed AS e ON e.item = earlier.item AND e.class = 'matched'
        JOIN claims AS later_place ON later_place.target = l.newest
        JOIN claims AS earlier_place ON earlier_place.target = e.newest
        JOIN target AS later_version ON later_version.item = l.newest
        JOIN target AS earlier_version ON earlier_version.item = e.newest)
SELECT 'chain-incomplete' AS code, chain, NULL AS item,
    list_filter(range(1, max(position) + 1), lambda n: NOT list_contains(list(position), n)) AS positions
FROM members WHERE concept IS NOT NULL AND position IS NOT NULL
GROUP BY chain HAVING count(DISTINCT position) < max(position)
UNION ALL
SELECT 'chain-repeated', chain, min(item), [position::BIGINT]
FROM members WHERE position IS NOT NULL GROUP BY chain, position HAVING count(*) > 1
UNION ALL
SELECT 'chain-unnumbered', chain, min(item), [] FROM members GROUP BY chain
HAVING count(*) > 1 AND count(position) = 0
UNION ALL
SELECT 'concept-unknown', chain, item, []
FROM members WHERE concept IS NULL AND EXISTS (SELECT 1 FROM target WHERE concept IS NOT NULL)
UNION ALL
SELECT 'chain-split', later_chain, item, [] FROM steps WHERE later_chain <> earlier_chain
UNION ALL
SELECT 'chain-disordered', later_chain, item, [earlier_position, later_position] FROM steps
WHERE later_chain = earlier_chain AND coalesce(later_position <= earlier_position, later_chain IS NOT NULL);
