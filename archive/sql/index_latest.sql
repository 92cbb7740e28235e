-- Where the latest state of a record lies that has a version which came later: name (of its shard), offset (of its frame),
-- position.
SELECT s.name, f."offset", v.position
FROM versions AS v JOIN frames AS f USING (shard, frame) JOIN shards AS s USING (shard)
WHERE v.latest AND EXISTS (
    SELECT 1 FROM versions AS later
    WHERE later.identifier = v.identifier AND later.format = v.format AND later.outcome > v.outcome)
ORDER BY ALL;
