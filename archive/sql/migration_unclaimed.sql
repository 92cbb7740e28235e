-- Some items of the target that nothing claims: item, local_id, title. Parameters: limit.
SELECT item, local_id, title FROM claims JOIN target ON item = target
WHERE NOT claims.deleted AND claimants = 0 ORDER BY item LIMIT $limit;
