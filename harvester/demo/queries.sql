-- Queries of harvester.demo, in alphabetical order. archive/queries.py reads this file.

-- name: committed_outcomes
-- How many outcomes the ledger has.
SELECT count(*) FROM outcomes;
