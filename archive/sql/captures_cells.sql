-- How many local ids were seen live by which kinds of channel, each as a capture of its own. A list and a census by the
-- same spider are one kind. Ids that were asked for because a census or a list named them, or because they had failed,
-- are no capture. Columns: seen (the kinds, in order), ids. No parameters.
WITH told AS (
        SELECT o.local_id, o.outcome, o.state,
            CASE split_part(o.channel, ':', 1) WHEN 'census' THEN r.spider ELSE split_part(o.channel, ':', 1) END AS kind
        FROM outcomes AS o JOIN runs AS r USING (run)
        WHERE o.channel IS NOT NULL AND (r.arguments ->> '$.ids' IS NULL OR regexp_full_match(
            r.arguments ->> '$.ids', '[0-9][-0-9,]*'))),
     shown AS (
        SELECT local_id, kind FROM told GROUP BY local_id, kind HAVING arg_max(state, outcome) = 'read')
SELECT seen, count(*) AS ids
FROM (SELECT local_id, list(kind ORDER BY kind) AS seen FROM shown GROUP BY local_id)
GROUP BY seen
ORDER BY seen;
