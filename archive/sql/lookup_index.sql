-- Outcomes whose local id is one of some: outcome, identifier.
-- Parameters: local_ids.
SELECT outcome, identifier FROM outcomes WHERE list_contains($local_ids, local_id) ORDER BY outcome;
