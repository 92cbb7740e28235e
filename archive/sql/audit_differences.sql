-- Every id that is not the same on both sides, in order: channel, mark, identifier, reason, datestamp_there,
-- datestamp_here, deleted_there, deleted_here.
SELECT channel, mark, identifier, reason, datestamp_there, datestamp_here, deleted_there, deleted_here
FROM marked WHERE mark <> '~' ORDER BY identifier, channel;
