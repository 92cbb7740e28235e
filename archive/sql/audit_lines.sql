-- Every id with its mark, tombstones that the target has forgotten left out: channel, mark, identifier, reason,
-- datestamp_there, datestamp_here, deleted_there, deleted_here.
SELECT channel, mark, identifier, reason, datestamp_there, datestamp_here, deleted_there, deleted_here
FROM marked WHERE mark <> '~'
UNION ALL
SELECT text, mark, identifier, NULL, stamp_text(moment_there, day_there, odd_there),
    stamp_text(moment_here, day_here, odd_here), deleted_there, deleted_here
FROM every JOIN names USING (name)
WHERE mark = '='
ORDER BY identifier, channel;
