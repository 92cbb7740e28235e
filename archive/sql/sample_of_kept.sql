-- Identifiers of outcomes that have a record (SQLite), one of so many.
-- Parameters: step.
SELECT identifier FROM outcomes WHERE outcome % :step = 0 AND state IN ('read', 'deleted');
