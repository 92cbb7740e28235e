-- How much an index holds: records, versions, harvested (every copy), outcomes, shards (with records).
SELECT (SELECT count(*) FROM versions WHERE latest) AS records, (SELECT count(*) FROM versions) AS versions,
       (SELECT coalesce(sum(records), 0)::BIGINT FROM proofs) AS harvested, (SELECT count(*) FROM outcomes) AS outcomes,
       (SELECT count(*) FROM proofs) AS shards;
