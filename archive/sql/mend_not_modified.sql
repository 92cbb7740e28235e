-- Outcomes that say of a record in temp.mended, which is lost, that it is still the same (SQLite): they are lost, too,
-- and added to temp.mended. Where it has come again in between it is asked for once more than it need be.
INSERT OR IGNORE INTO temp.mended (outcome, reason)
SELECT later.outcome, m.reason
FROM temp.mended AS m
JOIN outcomes AS o ON o.outcome = m.outcome
JOIN requests AS r ON r.request = o.request
JOIN outcomes AS later ON later.identifier = o.identifier AND later.outcome > o.outcome
    AND later.reason = 'not modified'
JOIN requests AS lr ON lr.request = later.request AND lr.channel IS r.channel;
