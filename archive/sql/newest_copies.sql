-- Where the copies of records that some outcomes stand for came from (SQLite): outcome, run, channel (0 where it has
-- none), datestamp, direct (it was the answer to a question about this id), deleted.
-- Parameters: outcomes (their numbers, a JSON array).
SELECT o.outcome, r.run, coalesce(r.channel, 0), o.datestamp, coalesce(w.verb IN ('GetRecord', 'ids'), false),
       o.state = 'deleted'
FROM json_each(:outcomes) AS wanted
     CROSS JOIN outcomes AS o ON o.outcome = wanted.value
     JOIN requests AS r USING (request)
     LEFT JOIN windows AS w ON w.window = r.window
WHERE o.state IN ('read', 'deleted')
ORDER BY o.outcome;
