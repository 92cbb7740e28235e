-- The outcomes in temp.mended (outcome, reason) become lost (SQLite).
UPDATE outcomes SET state = 'lost', reason = (SELECT m.reason FROM temp.mended AS m WHERE m.outcome = outcomes.outcome)
WHERE outcome IN (SELECT outcome FROM temp.mended);
