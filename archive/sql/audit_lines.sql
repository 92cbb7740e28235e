-- Every id with its mark, tombstones that the target has forgotten left out: channel, mark, identifier, reason.
SELECT channel, mark, identifier, reason FROM compared WHERE mark <> '~' ORDER BY identifier, channel;
