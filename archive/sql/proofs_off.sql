-- Shards whose records in the index are not those that were read from them: shard, name, records and hash_sum (as read),
-- found and found_sum (in the index), counted (by the ledger). None when the index is what it was made of.
WITH held AS (
        SELECT shard, count(*) AS found, (sum(hash::HUGEINT) % 18446744073709551616)::UBIGINT AS found_sum
        FROM (SELECT shard, hash FROM versions UNION ALL SELECT shard, hash FROM repeats)
        GROUP BY shard),
     counted AS (SELECT shard, records AS counted FROM shards WHERE records > 0)
SELECT shard, name, records, hash_sum, found, found_sum, counted
FROM proofs FULL JOIN held USING (shard) FULL JOIN counted USING (shard)
WHERE (records, hash_sum, counted) IS DISTINCT FROM (found, found_sum, found)
ORDER BY shard;
