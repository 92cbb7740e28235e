-- The outcomes whose records a frame holds (SQLite), in the order of the records: outcome, run, identifier,
-- datestamp, state, channel (0 where it has none), direct (it was the answer to a question about this id). A census
-- keeps no records.
-- Parameters: shard, frame.
SELECT o.outcome, r.run, o.identifier, o.datestamp, o.state, coalesce(r.channel, 0),
       coalesce((SELECT w.verb IN ('GetRecord', 'ids') FROM windows AS w WHERE w.window = r.window), false)
FROM frames AS f CROSS JOIN outcomes AS o CROSS JOIN requests AS r CROSS JOIN runs
WHERE f.shard = :shard AND f.frame = :frame AND o.outcome BETWEEN f.first_outcome AND f.last_outcome
  AND o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified'
  AND r.request = o.request AND runs.run = r.run AND runs.mode <> 'census'
ORDER BY o.outcome;
