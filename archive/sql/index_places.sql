-- Where each version lies, with what it is found by: identifier, local_id, doi (NULL without one), name (of its shard),
-- offset and bytes (of its frame), position.
SELECT v.identifier, v.local_id, v.doi, s.name, f."offset", f.bytes, v.position
FROM versions AS v JOIN frames AS f USING (shard, frame) JOIN shards AS s USING (shard);
