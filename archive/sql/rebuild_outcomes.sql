-- Ids whose last state in the old ledger (attached as old) no record in the new one bears out (SQLite), to be added
-- behind all others: run, channel, identifier, datestamp, state, reason. A record that is not there is lost, unless
-- every shard is whole: then it is the old row that cannot be believed.
-- Parameters: whole (1 when every shard is there and none was damaged).
WITH stood AS (
    SELECT coalesce(m.run, (SELECT max(run) FROM main.runs)) AS run, c.channel, o.identifier, o.datestamp, o.state,
           o.reason, max(o.outcome)
    FROM old.outcomes AS o
    LEFT JOIN old.requests AS r ON r.request = o.request
    LEFT JOIN main.runs AS m ON m.run = r.run
    LEFT JOIN old.runs AS ro ON ro.run = r.run
    JOIN main.channels AS c ON c.channel = coalesce(r.channel, (SELECT min(channel) FROM main.channels))
    WHERE ro.mode IS NOT 'census'
    GROUP BY c.channel, o.identifier),
held AS (
    SELECT DISTINCT r.channel, o.identifier
    FROM main.outcomes AS o JOIN main.requests AS r USING (request))
SELECT run, channel, identifier, datestamp,
       iif(state IN ('absent', 'moved', 'forbidden', 'refused', 'lost', 'open'), state, 'lost') AS state,
       iif(state IN ('absent', 'moved', 'forbidden', 'refused', 'lost', 'open'), reason,
           'its record is in no shard that can be read') AS reason
FROM stood
WHERE run IS NOT NULL
  AND (state NOT IN ('read', 'deleted') OR NOT :whole AND (channel, identifier) NOT IN (SELECT channel, identifier FROM held))
ORDER BY run, channel, identifier;
