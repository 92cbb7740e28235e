-- Lists that gave another number of records than the provider stated for them.
SELECT run, channel, verb, from_, until, state, "end", stated, listed, distinct_ids, stated - distinct_ids AS difference
FROM windows
WHERE stated <> distinct_ids
ORDER BY abs(stated - distinct_ids) DESC, "window"
LIMIT 100;
