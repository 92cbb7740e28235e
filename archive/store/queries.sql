-- Queries of archive.store, in alphabetical order. archive/queries.py reads this file.

-- name: account_doubts
-- What keeps each run from being complete, besides its ids (SQLite): run, mode, state, newest (of those asked for in
-- the same words), windows (open or lost), doubts (findings that say that records may be missing). Parameters: codes
-- (those of these findings, a JSON array).
SELECT run, mode, state,
       run = max(run) OVER (PARTITION BY spider, mode, arguments) AS newest,
       (SELECT count(*) FROM windows AS w WHERE w.run = runs.run AND w.state IN ('open', 'lost')) AS windows,
       (SELECT count(*) FROM findings AS f WHERE f.run = runs.run AND f.severity <> 'info'
        AND f.code IN (SELECT value FROM json_each(:codes))) AS doubts
FROM runs
ORDER BY run;

-- name: account_frames_off
-- Frames that hold another number of records than there are outcomes for them (SQLite): shard, run, frame, records,
-- found.
-- Parameters: run (NULL is each of them), limit.
WITH counted AS (
    SELECT f.shard, f.frame, f.records,
           (SELECT count(*) FROM outcomes AS o CROSS JOIN requests AS r CROSS JOIN runs
            WHERE o.outcome BETWEEN f.first_outcome AND f.last_outcome AND o.state IN ('read', 'deleted')
              AND o.reason IS NOT 'not modified'
              AND r.request = o.request AND runs.run = r.run AND runs.mode <> 'census') AS found
    FROM frames AS f JOIN shards USING (shard)
    WHERE :run IS NULL OR shards.run = :run)
SELECT s.name AS shard, s.run, frame, counted.records, found
FROM counted JOIN shards AS s USING (shard)
WHERE counted.records <> found
ORDER BY counted.shard, frame
LIMIT :limit;

-- name: account_of_all
-- How the ids stand after every harvest (SQLite): one row a channel: run (NULL), channel, listed (distinct ids), then
-- how many of them are in each state. The state of an id is what its last outcome in the channel says. A census asks
-- for headers only and is left out.
WITH ended AS (
    SELECT r.channel, o.identifier, o.state, max(o.outcome)
    FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o
    WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.channel, o.identifier)
SELECT NULL AS run, coalesce(c.name, '') AS channel, count(*) AS listed,
       count(*) FILTER (WHERE state = 'read') AS read, count(*) FILTER (WHERE state = 'deleted') AS deleted,
       count(*) FILTER (WHERE state = 'absent') AS absent, count(*) FILTER (WHERE state = 'moved') AS moved,
       count(*) FILTER (WHERE state = 'forbidden') AS forbidden, count(*) FILTER (WHERE state = 'refused') AS refused,
       count(*) FILTER (WHERE state = 'lost') AS lost, count(*) FILTER (WHERE state = 'open') AS open
FROM ended LEFT JOIN channels AS c USING (channel)
GROUP BY ended.channel
ORDER BY c.name;

-- name: account_of_runs
-- How the ids of each run ended (SQLite): one row a run and channel: run, channel, listed (distinct ids), then how
-- many of them are in each state. The state of an id is what its last outcome in the channel says.
-- Parameters: run (NULL is each of them).
WITH ended AS (
    SELECT r.run, r.channel, o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE (:run IS NULL OR r.run = :run) AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.run, r.channel, o.identifier)
SELECT run, coalesce(c.name, '') AS channel, count(*) AS listed,
       count(*) FILTER (WHERE state = 'read') AS read, count(*) FILTER (WHERE state = 'deleted') AS deleted,
       count(*) FILTER (WHERE state = 'absent') AS absent, count(*) FILTER (WHERE state = 'moved') AS moved,
       count(*) FILTER (WHERE state = 'forbidden') AS forbidden, count(*) FILTER (WHERE state = 'refused') AS refused,
       count(*) FILTER (WHERE state = 'lost') AS lost, count(*) FILTER (WHERE state = 'open') AS open
FROM ended LEFT JOIN channels AS c USING (channel)
GROUP BY run, ended.channel
ORDER BY run, c.name;

-- name: account_outcomes_off
-- Outcomes that their request does not know of (SQLite): outcome, request, identifier.
-- Parameters: run (NULL is each of them), limit.
SELECT o.outcome, o.request, o.identifier
FROM outcomes AS o LEFT JOIN requests AS r USING (request)
WHERE (:run IS NULL OR o.outcome >= (SELECT min(first_outcome) FROM requests WHERE run = :run) AND r.run = :run)
  AND o.outcome NOT BETWEEN coalesce(r.first_outcome, 1) AND coalesce(r.last_outcome, 0)
ORDER BY o.outcome
LIMIT :limit;

-- name: account_requests_off
-- Requests whose outcomes are not as many as they say (SQLite): request, run, channel, said, found.
-- A list says how many headers it had; every request says which outcomes are its own.
-- Parameters: run (NULL is each of them), limit.
WITH counted AS (
    SELECT r.request, r.run, r.channel,
           iif(r.listed > 0 OR r.url LIKE '%verb=List%', r.listed, coalesce(r.last_outcome - r.first_outcome + 1, 0))
               AS said,
           coalesce(r.last_outcome - r.first_outcome + 1, 0) AS span,
           (SELECT count(*) FROM outcomes AS o
            WHERE o.outcome BETWEEN r.first_outcome AND r.last_outcome AND o.request = r.request) AS found
    FROM requests AS r
    WHERE :run IS NULL OR r.run = :run)
SELECT request, run, c.name AS channel, said, found
FROM counted LEFT JOIN channels AS c USING (channel)
WHERE said <> found OR span <> found
ORDER BY request
LIMIT :limit;

-- name: account_shards_off
-- Shards that are not the sum of their frames (SQLite): shard, run, records, records_found, frames,
-- frames_found, content_bytes, content_found.
-- Parameters: run (NULL is each of them), limit.
SELECT s.name AS shard, s.run, s.records, coalesce(sum(f.records), 0) AS records_found, s.frames,
       count(f.frame) AS frames_found,
       s.content_bytes, coalesce(sum(f.content_bytes), 0) AS content_found
FROM shards AS s LEFT JOIN frames AS f USING (shard)
WHERE :run IS NULL OR s.run = :run
GROUP BY s.shard
HAVING s.records <> records_found OR s.frames <> frames_found OR s.content_bytes <> content_found
ORDER BY s.shard
LIMIT :limit;

-- name: account_sums
-- The sums that must be equal (SQLite), one row: outcomes, of_requests (that requests name); kept (outcomes with a
-- record), in_frames, in_shards (records).
SELECT (SELECT count(*) FROM outcomes) AS outcomes,
       (SELECT coalesce(sum(last_outcome - first_outcome + 1), 0) FROM requests) AS of_requests,
       (SELECT count(*) FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o
        WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
          AND o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified') AS kept,
       (SELECT coalesce(sum(records), 0) FROM frames) AS in_frames,
       (SELECT coalesce(sum(records), 0) FROM shards) AS in_shards;

-- name: account_windows_off
-- Windows that ended with other numbers than their requests have (SQLite): window, run, channel, listed,
-- listed_found, distinct_ids, distinct_found.
-- Parameters: run (NULL is each of them), limit.
WITH counted AS (
    SELECT w.window, w.run, w.channel, w.listed, w.distinct_ids,
           iif(w.verb IN ('ids', 'gathered'), count(DISTINCT o.identifier), count(o.outcome)) AS listed_found,
           count(DISTINCT o.identifier) AS distinct_found
    FROM windows AS w
    LEFT JOIN requests AS r ON r.window = w.window
        AND (w.verb IN ('ids', 'gathered') OR (r.attempt = w.attempts AND r.state = 'read'))
    LEFT JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE w.state <> 'open' AND w.listed IS NOT NULL AND (:run IS NULL OR w.run = :run)
    GROUP BY w.window)
SELECT window, run, c.name AS channel, listed, listed_found, distinct_ids, distinct_found
FROM counted JOIN channels AS c USING (channel)
WHERE listed <> listed_found OR distinct_ids <> distinct_found
ORDER BY window
LIMIT :limit;

-- name: add_channel
-- Add a channel unless it is there: name, format, set_spec.
INSERT INTO channels (name, format, set_spec) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: add_finding
-- Add a finding, in the order of the columns.
INSERT INTO findings (run, code, severity, channel, window, identifier, message, expected, found, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_frame
-- Add a frame, in the order of the columns.
INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_latest
-- An outcome is the latest: outcome, channel.
INSERT INTO latest VALUES (?, ?);

-- name: add_outcome
-- Add an outcome, in the order of the columns.
INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?);

-- name: add_refused
-- Add a refused body: request, identifier, name, bytes, sha256.
INSERT INTO quarantine (request, identifier, name, bytes, sha256) VALUES (?, ?, ?, ?, ?);

-- name: add_request
-- Add a request, in the order of the columns.
INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_run
-- Add an open run: spider, mode, arguments, software, started.
INSERT INTO runs (spider, mode, arguments, software, started, state) VALUES (?, ?, ?, ?, ?, 'open');

-- name: add_sha512
-- Ledgers of earlier versions have no second digest of shards.
ALTER TABLE shards ADD COLUMN sha512 TEXT;

-- name: add_shown
-- Add an id. Parameter: identifier.
INSERT INTO temp.shown (identifier) VALUES (?);

-- name: add_wait
-- Add a wait for a host: run, host, began, seconds, reason.
INSERT INTO waits (run, host, began, seconds, reason) VALUES (?, ?, ?, ?, ?);

-- name: add_window
-- Add an open window: run, channel, parent, verb, from_, until, opened.
INSERT INTO windows (run, channel, parent, verb, from_, until, state, opened) VALUES (?, ?, ?, ?, ?, ?, 'open', ?);

-- name: add_windowset
-- Note the set of a window: window, set_spec.
INSERT INTO windowsets VALUES (?, ?);

-- name: asked_census
-- The ids that a census listed (SQLite), once each, in the order they came, into the table `wanted`. Local ids, as they
-- stand behind oai:HOST:; `local_id` is a function of ours.
-- Parameters: run.
CREATE TEMP TABLE wanted AS
    SELECT local_id(o.identifier) AS id, min(o.outcome) AS first
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.run = :run
    GROUP BY 1
    ORDER BY first;

-- name: asked_deleted
-- The ids that OAI-PMH lists as deleted (SQLite): id, datestamp. Of several headers the newest datestamp counts; on a tie
-- the id lives. Local ids; `local_id` is a function of ours.
WITH listed AS (
    SELECT o.identifier, max(iif(o.state = 'deleted', coalesce(o.datestamp, ''), NULL)) AS gone,
           max(iif(o.state = 'read', coalesce(o.datestamp, ''), NULL)) AS live
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE o.state IN ('read', 'deleted')
      AND r.channel IN (SELECT channel FROM channels WHERE name LIKE 'oaipmh:%' OR name LIKE 'census:%')
    GROUP BY o.identifier)
SELECT local_id(identifier) AS id, gone AS datestamp
FROM listed
WHERE gone IS NOT NULL AND (live IS NULL OR gone > live);

-- name: asked_denied
-- Ids that ended as absent in a channel of a run, and whose last state in another channel, or in this one before, is read
-- (SQLite), one row: found, identifier (the first), channels. Local ids; `local_id` is a function of ours.
-- Parameters: run, channel.
WITH absent AS (
        SELECT local_id(identifier) AS id
        FROM (SELECT o.identifier, o.state, max(o.outcome)
              FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
              WHERE r.run = :run AND r.channel = :channel
              GROUP BY o.identifier)
        WHERE state = 'absent'),
     others AS (
        SELECT r.channel, local_id(o.identifier) AS id, o.state, max(o.outcome)
        FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
        WHERE (r.run <> :run OR r.channel <> :channel) AND local_id(o.identifier) IN (SELECT id FROM absent)
        GROUP BY r.channel, o.identifier)
SELECT count(DISTINCT id) AS found, min(id) AS identifier, group_concat(DISTINCT c.name) AS channels
FROM others JOIN channels AS c USING (channel)
WHERE state = 'read';

-- name: asked_ended
-- How the ids of a channel ended in a run (SQLite), one row: ids; unseen (absent or closed, so that they show no record).
-- Parameters: run, channel.
SELECT count(*) AS ids,
       count(*) FILTER (WHERE state IN ('absent', 'forbidden')
                        OR (state = 'deleted' AND reason LIKE 'HTTP status 410 with %')) AS unseen
FROM (SELECT o.identifier, o.state, o.reason, max(o.outcome)
      FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
      WHERE r.run = :run AND r.channel = :channel
      GROUP BY o.identifier);

-- name: asked_gaps
-- Ids with a gap as things stood before an outcome (SQLite), in order, into the table `wanted`: refused, lost or open in
-- some channel, or listed by a census and in no channel at all. Local ids; `local_id` is a function of ours.
-- Parameters: before; census (its run, NULL for none); channel (NULL for all).
CREATE TEMP TABLE wanted AS
    WITH ended AS (
            SELECT local_id(o.identifier) AS id, o.state, max(o.outcome)
            FROM outcomes AS o CROSS JOIN requests AS r USING (request) JOIN runs USING (run)
            WHERE o.outcome < :before AND runs.mode <> 'census' AND (:channel IS NULL OR r.channel = :channel)
            GROUP BY r.channel, o.identifier),
         listed AS (
            SELECT local_id(o.identifier) AS id
            FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
            WHERE r.run = :census)
    SELECT id FROM ended WHERE state IN ('refused', 'lost', 'open')
    UNION
    SELECT id FROM listed WHERE id NOT IN (SELECT id FROM ended)
    ORDER BY id;

-- name: asked_has_own_absence
-- Whether a run had the answer of the repository itself for an id of a channel that is not there (SQLite): 0 or 1.
-- Such an outcome has no reason. Parameters: run, channel.
SELECT EXISTS (
    SELECT 1 FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run = :run AND r.channel = :channel AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
      AND o.state = 'absent' AND o.reason IS NULL);

-- name: asked_highest
-- The highest number that a run asked for and that is in use (SQLite).
-- Parameters: run.
SELECT max(CAST(o.identifier AS INTEGER))
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.run = :run AND o.state NOT IN ('absent', 'open', 'lost') AND o.identifier NOT GLOB '*[^0-9]*'
  AND length(o.identifier) < 19;

-- name: asked_named
-- The ids that a list named in a window (SQLite), in its order.
-- Parameters: window.
SELECT o.identifier
FROM requests AS r JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.window = :window AND r.listed > 0
ORDER BY o.outcome;

-- name: asked_settled
-- The ids of a window whose last outcome in it is an end state (SQLite). What is refused has its answer.
-- Parameters: window.
SELECT identifier
FROM (SELECT o.identifier, o.state, max(o.outcome)
      FROM requests AS r JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
      WHERE r.window = :window
      GROUP BY o.identifier)
WHERE state NOT IN ('open', 'lost');

-- name: asked_shown
-- Whether a channel has ever shown a record (SQLite): a row, or none. A tombstone from a list, or in HTML, shows none.
-- Parameters: channel.
SELECT 1
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.channel = :channel
  AND (o.state IN ('read', 'moved') OR (o.state = 'deleted' AND coalesce(o.reason, '') NOT LIKE 'HTTP status 410 with %'
                                        AND coalesce(o.reason, '') NOT LIKE 'deleted by its OAI-PMH header%'))
LIMIT 1;

-- name: asked_targets
-- Ids that others moved to in a channel and that this run has not asked for in it (SQLite).
-- Parameters: run, channel, most.
WITH asked AS (
    SELECT o.identifier, o.state, o.reason
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.run = :run AND r.channel = :channel)
SELECT DISTINCT substr(reason, 4) AS target
FROM asked
WHERE state = 'moved' AND reason LIKE 'to %' AND substr(reason, 4) NOT IN (SELECT identifier FROM asked)
ORDER BY target
LIMIT :most;

-- name: asked_unproven
-- Ids that ended as absent in a channel of a run by answers that may come from a proxy (SQLite): window, identifier.
-- Parameters: run, channel, reason (how the reason of such an outcome begins, and %).
SELECT window, identifier
FROM (SELECT r.window, o.identifier, o.state, o.reason, max(o.outcome)
      FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
      WHERE r.run = :run AND r.channel = :channel
      GROUP BY o.identifier)
WHERE state = 'absent' AND reason LIKE :reason
ORDER BY window, identifier;

-- name: asked_unsettled
-- The identifiers of a channel that stand as refused, lost or open after all runs (SQLite), in order.
-- Parameters: channel.
SELECT identifier
FROM (SELECT o.identifier, o.state, max(o.outcome)
      FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
      WHERE r.channel = :channel
      GROUP BY o.identifier)
WHERE state IN ('refused', 'lost', 'open')
ORDER BY identifier;

-- name: channel_named
-- The number of a channel. Parameter: name.
SELECT channel FROM channels WHERE name = ?;

-- name: channels_of_run
-- The channels of a run: channel, format, set_spec. Parameter: run.
SELECT channel, format, set_spec FROM channels WHERE channel IN (SELECT channel FROM windows WHERE run = ?) ORDER BY channel;

-- name: close_rest
-- Close the window of ids that no other window has. Parameters: closed, window.
UPDATE windows SET state = 'done', end = 'all asked', closed = ? WHERE window = ?;

-- name: close_window
-- Close a window. Parameters: state, end, listed, distinct_ids, stated, pages, attempts, closed, window.
UPDATE windows SET state = ?, end = ?, listed = ?, distinct_ids = ?, stated = ?, pages = ?, attempts = ?, closed = ? WHERE window = ?;

-- name: contradicted
-- Copies of ids that a run has listed both live and deleted, and has not asked for one by one (SQLite): format, identifier,
-- channel, request, outcome, datestamp, deleted; by format and identifier, in the order they came.
-- Parameters: run.
WITH listed AS (
    SELECT c.format, o.identifier, r.channel, r.request, o.outcome, o.datestamp, o.state,
           coalesce(w.verb = 'GetRecord', false) AS direct
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    JOIN channels AS c ON c.channel = r.channel
    LEFT JOIN windows AS w ON w.window = r.window
    WHERE r.run = :run),
both AS (
    SELECT format, identifier FROM listed WHERE state = 'deleted'
    INTERSECT SELECT format, identifier FROM listed WHERE state = 'read'
    EXCEPT SELECT format, identifier FROM listed WHERE direct)
SELECT format, identifier, channel, request, outcome, datestamp, state = 'deleted'
FROM listed JOIN both USING (format, identifier)
WHERE state IN ('read', 'deleted')
ORDER BY format, identifier, outcome;

-- name: count_shard
-- Counts of an open shard. Parameters: records, frames, bytes, content_bytes, shard.
UPDATE shards SET records = ?, frames = ?, bytes = ?, content_bytes = ? WHERE shard = ?;

-- name: count_window
-- Listed and distinct ids of a window. Parameter: window.
SELECT iif(w.verb IN ('ids', 'gathered'), count(DISTINCT o.identifier), count(o.outcome)), count(DISTINCT o.identifier) FROM windows AS w JOIN requests AS r USING (window) JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome WHERE w.window = ? AND (w.verb IN ('ids', 'gathered') OR (r.attempt = ? AND r.state = 'read'));

-- name: create_changed
-- Ids of a run whose datestamp is not before a moment. Parameters: run, datestamp.
CREATE TEMP TABLE changed AS SELECT DISTINCT channel, identifier FROM outcomes JOIN requests USING (request) WHERE run = ? AND datestamp >= ? AND outcomes.state IN ('read', 'deleted');

-- name: create_doubtful
-- Ids that had an unsettled state in a run. An id's state in a run is that of its last outcome in a channel: most runs
-- have no such id, which one pass over the outcomes shows; otherwise only these ids are looked at again.
-- Parameter: run.
CREATE TEMP TABLE doubtful AS
    SELECT DISTINCT r.channel, o.identifier
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.run = ? AND o.state IN ('open', 'lost', 'refused');

-- name: create_latest
-- Outcomes that are the latest of their record.
CREATE TEMP TABLE latest (outcome INTEGER PRIMARY KEY, channel INTEGER NOT NULL);

-- name: create_shown
-- Ids to look up, each once, in their order.
CREATE TEMP TABLE shown (place INTEGER PRIMARY KEY, identifier TEXT UNIQUE ON CONFLICT IGNORE);

-- name: distinct_in_window
-- Distinct ids of a window. Parameter: window.
SELECT coalesce(distinct_ids, 0) FROM windows WHERE window = ?;

-- name: drop_changed
-- Remove the table of changed ids.
DROP TABLE IF EXISTS temp.changed;

-- name: drop_doubtful
-- Remove the table of doubtful ids.
DROP TABLE IF EXISTS temp.doubtful;

-- name: drop_empty_shard
-- Forget a shard that has no record. Parameter: shard.
DELETE FROM shards WHERE shard = ? AND records = 0;

-- name: drop_finding
-- Remove the findings of a run with a code. Parameters: run, code.
DELETE FROM findings WHERE run = ? AND code = ?;

-- name: drop_findings
-- Remove the findings of a run. Parameter: run.
DELETE FROM findings WHERE run = ?;

-- name: drop_findings_with_codes
-- Remove the findings of a run with one of some codes. Parameters: run, codes (a JSON array).
DELETE FROM findings WHERE run = :run AND code IN (SELECT value FROM json_each(:codes));

-- name: drop_latest
-- An outcome is not the latest. Parameter: outcome.
DELETE FROM latest WHERE outcome = ?;

-- name: drop_run
-- Remove a run that asked for nothing. Parameter: run.
DELETE FROM runs WHERE run = ?;

-- name: drop_shown
-- Remove the table of ids to look up.
DROP TABLE IF EXISTS temp.shown;

-- name: drop_waits
-- Remove the waits of a run. Parameter: run.
DELETE FROM waits WHERE run = ?;

-- name: drop_wanted
-- Remove the table of wanted ids.
DROP TABLE IF EXISTS temp.wanted;

-- name: exported_counted
-- How many outcomes a window has, one for each member of its file that was counted (SQLite): one row, one number.
-- Parameters: window.
SELECT coalesce(sum(last_outcome - first_outcome + 1), 0) FROM requests WHERE window = :window;

-- name: exported_distinct
-- How many different ids a run has met (SQLite): one row, one number.
-- Parameters: run.
SELECT count(DISTINCT o.identifier)
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.run = :run;

-- name: exported_held
-- One row when a version of a file was counted whole (SQLite).
-- Parameters: channel, version.
SELECT 1
FROM windows AS w JOIN runs AS r USING (run)
WHERE w.channel = :channel AND w.from_ = :version AND w.state = 'done' AND w.listed > 0
  AND arguments ->> '$.sample' IS NULL AND arguments ->> '$.shard' IS NULL
LIMIT 1;

-- name: exported_listed
-- What a run has read (SQLite), in the order in which it came: identifier, datestamp ('' where there is none).
-- Parameters: run.
SELECT o.identifier, coalesce(o.datestamp, '')
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.run = :run AND o.state IN ('read', 'deleted')
ORDER BY o.outcome;

-- name: exported_newest
-- The newest run that took a provider's dump of all records whole (SQLite): run, made.
SELECT run, provider_started AS made
FROM runs
WHERE spider = 'exporter' AND mode <> 'census' AND state IN ('complete', 'findings') AND provider_started IS NOT NULL
  AND arguments ->> '$.sample' IS NULL AND arguments ->> '$.shard' IS NULL
  AND EXISTS (SELECT 1 FROM windows AS w JOIN channels AS c USING (channel)
              WHERE w.run = runs.run AND w.state = 'done' AND c.set_spec IS NULL AND c.name <> 'exporter:deleted')
ORDER BY run DESC
LIMIT 1;

-- name: exported_windows
-- How the windows of a run stand (SQLite), in the order in which they were opened: state, end, stated, distinct_ids.
-- Parameters: run.
SELECT state, "end", stated, coalesce(distinct_ids, 0) FROM windows WHERE run = :run ORDER BY window;

-- name: findings_with_codes
-- Findings of a run with one of some codes: code. Parameters: run, codes (a JSON array).
SELECT code FROM findings WHERE run = :run AND code IN (SELECT value FROM json_each(:codes));

-- name: finish_run
-- Finish a run. Parameters: state, finished, run.
UPDATE runs SET state = ?, finished = ? WHERE run = ?;

-- name: format_version
-- The version of the format.
SELECT value FROM meta WHERE key = 'format_version';

-- name: frame_of_shard
-- What the ledger (SQLite) says of a frame. One row: offset, bytes (in the file), content_bytes, records.
-- Parameters: shard, frame.
SELECT offset, bytes, content_bytes, records FROM frames WHERE shard = :shard AND frame = :frame;

-- name: frames_of_shard
-- Frames of a shard (SQLite), in their order: frame, offset, bytes (in the file), content_bytes.
-- Parameters: shard; first, last (frames, both included; last NULL is the end).
SELECT frame, offset, bytes, content_bytes
FROM frames
WHERE shard = :shard AND frame >= :first AND (:last IS NULL OR frame <= :last)
ORDER BY frame;

-- name: has_doubtful
-- One row if an id is doubtful.
SELECT 1 FROM doubtful LIMIT 1;

-- name: has_finding
-- One row if a run has a finding in a channel. Parameters: run, channel, code.
SELECT 1 FROM findings WHERE run = ? AND channel = ? AND code = ? LIMIT 1;

-- name: has_runs
-- One row if there is a run.
SELECT 1 FROM runs LIMIT 1;

-- name: has_sha512
-- One row if shards have the column sha512.
SELECT 1 FROM pragma_table_info('shards', 'main') WHERE name = 'sha512';

-- name: has_table
-- One row if a table is there. Parameter: name.
SELECT 1 FROM main.sqlite_schema WHERE name = ?;

-- name: has_tables
-- One row unless the database is empty.
SELECT 1 FROM sqlite_schema LIMIT 1;

-- name: impossible_datestamps
-- The records of a run whose datestamps are no dates, each once (SQLite): channel, records, first (identifier).
-- Parameters: run; code (the reason of their outcomes).
SELECT r.channel, count(DISTINCT o.identifier) AS records, min(o.identifier) AS first
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.run = :run AND o.reason = :code
GROUP BY r.channel
ORDER BY r.channel;

-- name: increment_known
-- The records that the last requests of a channel before a run brought, the newest first (SQLite): identifier,
-- datestamp, state.
-- Parameters: channel, run.
SELECT o.identifier, o.datestamp, o.state
FROM (SELECT first_outcome, last_outcome FROM requests
      WHERE channel = :channel AND run < :run AND first_outcome IS NOT NULL
      ORDER BY request DESC LIMIT 20) AS r
CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
ORDER BY o.outcome DESC;

-- name: index_doubtful
-- Find a doubtful id quickly.
CREATE INDEX temp.doubtful_ids ON doubtful (identifier);

-- name: last_listing
-- The newest finished run that listed a channel. Parameters: spider, channel, mode.
SELECT run, spider, mode, arguments, started, provider_started, state FROM runs WHERE spider = :spider AND state IN ('complete', 'findings') AND EXISTS (SELECT 1 FROM windows AS w WHERE w.run = runs.run AND w.channel = :channel) AND EXISTS (SELECT 1 FROM requests AS r WHERE r.channel = :channel AND r.run <= runs.run AND r.first_outcome IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM findings AS f WHERE f.run = runs.run AND f.code IN ('increments-refused', 'increments-unproven')) ORDER BY run DESC;

-- name: last_outcome
-- The number of the newest outcome, 0 without one.
SELECT coalesce(max(outcome), 0) FROM outcomes;

-- name: last_run
-- The newest finished run of the same arguments. Parameters: spider, arguments.
SELECT run, spider, mode, arguments, started, provider_started, state FROM runs WHERE spider = ? AND arguments = ? AND state IN ('complete', 'findings') ORDER BY run DESC;

-- name: last_shard
-- The number of the newest shard, 0 without one.
SELECT coalesce(max(shard), 0) FROM shards;

-- name: latest_doubtful
-- Records whose last copy may not be their latest state (SQLite): outcomes (of all their copies, a JSON array). It is where
-- copies of one run, of several channels or in both states meet, or an earlier datestamp came later.
SELECT json_group_array(outcome) AS outcomes
FROM (SELECT c.format, o.identifier, o.outcome, o.state, o.datestamp, r.run, r.channel
      FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o JOIN channels AS c ON c.channel = r.channel
      WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
        AND o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified')
GROUP BY format, identifier
HAVING count(*) > 1
   AND (count(DISTINCT run) < count(*) OR count(DISTINCT channel) > 1 OR min(state) <> max(state)
        OR count(datestamp) < count(*) OR min(length(datestamp)) <> 20 OR max(length(datestamp)) <> 20
        OR max(datestamp) <> substr(max(printf('%020d', outcome) || datestamp), 21));

-- name: latest_fill
-- Fill temp.latest (SQLite) with the last copy of each record, where it is a live one: outcome, channel.
INSERT INTO latest (outcome, channel)
SELECT outcome, channel
FROM (SELECT max(o.outcome) AS outcome, r.channel, o.state
      FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o JOIN channels AS c ON c.channel = r.channel
      WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
        AND o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified'
      GROUP BY c.format, o.identifier)
WHERE state = 'read';

-- name: latest_frames
-- Frames of a shard with newest records of a channel (SQLite; temp.latest is filled): frame, offset, bytes.
-- Parameters: shard, channel.
SELECT frame, offset, bytes
FROM frames AS f
WHERE shard = :shard
  AND EXISTS (SELECT 1 FROM latest AS l
              WHERE l.outcome BETWEEN f.first_outcome AND f.last_outcome AND l.channel = :channel)
ORDER BY frame;

-- name: latest_of_frame
-- The newest records in a frame that are of a channel (SQLite; temp.latest is filled): outcome.
-- Parameters: shard, frame, channel.
SELECT l.outcome
FROM frames AS f JOIN latest AS l ON l.outcome BETWEEN f.first_outcome AND f.last_outcome
WHERE f.shard = :shard AND f.frame = :frame AND l.channel = :channel;

-- name: latest_parts
-- Which shards hold newest records of which channel (SQLite; temp.latest is filled): channel, format, shard, name, from
-- the first shard.
SELECT l.channel, c.format, s.shard, s.name
FROM frames AS f
     JOIN latest AS l ON l.outcome BETWEEN f.first_outcome AND f.last_outcome
     JOIN channels AS c USING (channel)
     JOIN shards AS s USING (shard)
GROUP BY l.channel, s.shard
ORDER BY s.shard, l.channel;

-- name: ledger_download_rows
-- What the ledger has of the files of records (SQLite), behind one row, in their order.
-- Parameters: after.
SELECT file, run, identifier, key, url, size, checksum, media_type, version, state, reason, sha256, bytes, at
FROM files
WHERE file > :after
ORDER BY file;

-- name: ledger_findings
-- Findings of the ledger (SQLite) in their order, each with the name of its channel.
SELECT finding, run, code, severity, c.name AS channel, window, identifier, message, expected, found, at
FROM findings LEFT JOIN channels AS c USING (channel)
ORDER BY finding;

-- name: ledger_foreign
-- What a ledger is never made of (SQLite): triggers, views but its census, and tables that hold values of any type or
-- are views in truth. One row each: type, name.
SELECT type, name FROM main.sqlite_schema WHERE type = 'trigger' OR (type = 'view' AND name <> 'census')
UNION ALL
SELECT type, name FROM pragma_table_list
WHERE schema = 'main' AND type <> 'view' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND (type <> 'table' OR NOT strict)
LIMIT 1;

-- name: ledger_frames
-- Frames of the ledger (SQLite), in their order.
SELECT shard, frame, offset, bytes, content_bytes, records, first_outcome, last_outcome FROM frames
ORDER BY shard, frame;

-- name: ledger_names
-- What a ledger names that no harvest names so (SQLite), in the first rows: folder, name. Shards are NNNNN.json-seq.zst
-- and, written anew, NNNNN.N.json-seq.zst; refused bodies NNNNNN. Whoever wrote a name with / in it, or with NUL, wants
-- files elsewhere. A name that has NUL, or what is not ASCII, has more bytes than length() counts.
SELECT 'shards' AS folder, name FROM main.shards
WHERE typeof(name) <> 'text' OR length(CAST(name AS BLOB)) <> length(name)
    OR name NOT GLOB '[0-9][0-9][0-9][0-9][0-9]*.json-seq.zst'
    OR substr(name, 1, length(name) - 13) GLOB '*[^0-9.]*'
    OR substr(name, 1, length(name) - 13) GLOB '*.*.*'
    OR substr(name, 1, length(name) - 13) GLOB '*.'
UNION ALL
SELECT 'quarantine', name FROM main.quarantine
WHERE typeof(name) <> 'text' OR length(CAST(name AS BLOB)) <> length(name)
    OR name NOT GLOB '[0-9][0-9][0-9][0-9][0-9][0-9]*' OR name GLOB '*[^0-9]*'
LIMIT 1;

-- name: ledger_outcomes
-- Outcomes of the ledger (SQLite) in their order, each with what its request says of it.
-- Parameters: first, last (outcomes, both included).
SELECT r.run, c.name AS channel, o.identifier, o.request, o.state, r.http_status, coalesce(o.reason, r.reason) AS reason,
       r.attempts, r.at, o.datestamp AS stamp, o.outcome, runs.mode
FROM outcomes AS o
     CROSS JOIN requests AS r USING (request)
     JOIN runs USING (run)
     LEFT JOIN channels AS c USING (channel)
WHERE o.outcome BETWEEN :first AND :last
ORDER BY o.outcome;

-- name: ledger_quarantine
-- Refused bodies that the ledger (SQLite) names, in their order.
SELECT quarantine, request, identifier, name, bytes, sha256 FROM quarantine ORDER BY quarantine;

-- name: ledger_requests
-- Requests of the ledger (SQLite) in the order they ended, each with the name of its channel.
-- Parameters: after (only those behind this one).
SELECT request, run, c.name AS channel, window, attempt, url, state, http_status, reason, attempts, at, listed,
       first_outcome, last_outcome
FROM requests LEFT JOIN channels AS c USING (channel)
WHERE request > :after
ORDER BY request;

-- name: ledger_runs
-- Runs of the ledger (SQLite), in their order.
SELECT run, spider, mode, arguments, software, started, provider_started, finished, state FROM runs ORDER BY run;

-- name: ledger_shards
-- Shards of the ledger (SQLite), in their order.
SELECT shard, name, run, state, records, frames, bytes, content_bytes, sha256 FROM shards ORDER BY shard;

-- name: ledger_stamp
-- What an index was made of (SQLite): one row a thing, (name, value). It differs after anything was written.
SELECT 'run' AS name, json_group_array(json_array(run, state, finished, provider_started)) AS value
FROM (SELECT * FROM runs ORDER BY run)
UNION ALL SELECT 'window', json_group_array(json_array(state, n, last))
          FROM (SELECT state, count(*) AS n, max(window) AS last FROM windows GROUP BY state ORDER BY state)
UNION ALL SELECT 'request', coalesce(max(request), 0) FROM requests
UNION ALL SELECT 'outcome', coalesce(max(outcome), 0) FROM outcomes
UNION ALL SELECT 'finding', coalesce(max(finding), 0) FROM findings
UNION ALL SELECT 'wait', coalesce(max(wait), 0) FROM waits
UNION ALL SELECT 'file', coalesce(max(file), 0) FROM files
UNION ALL SELECT 'quarantine', coalesce(max(quarantine), 0) FROM quarantine
UNION ALL SELECT 'shard', json_group_array(json_array(shard, name, state, records, bytes, sha256))
          FROM (SELECT * FROM shards ORDER BY shard);

-- name: ledger_waits
-- Waits of the ledger (SQLite) in their order.
SELECT wait, run, host, began, seconds, reason FROM waits ORDER BY wait;

-- name: ledger_windows
-- Windows of the ledger (SQLite) in the order they were opened, each with the name of its channel.
SELECT window, run, c.name AS channel, parent, verb, from_, until, state, end, listed, distinct_ids, stated, pages,
       attempts, opened, closed
FROM windows JOIN channels AS c USING (channel)
ORDER BY window;

-- name: lose_window
-- A window is lost. Parameter: window.
UPDATE windows SET state = 'lost' WHERE window = ?;

-- name: loss_gone_now
-- Whether a run found any id of a channel deleted, absent or forbidden (SQLite): 0 or 1.
-- Parameters: run, channel.
SELECT EXISTS (
    SELECT 1 FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run = :run AND r.channel = :channel AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
      AND o.state IN ('deleted', 'absent', 'forbidden'));

-- name: loss_held_before
-- Whether an earlier harvest asked for anything in a channel, or in one that it is compared with (SQLite): 0 or 1.
-- Parameters: run, channel.
SELECT EXISTS (
    SELECT 1 FROM channels AS c JOIN channels AS p
        ON p.channel = c.channel
        OR ((c.name GLOB 'oaipmh:*' OR c.name GLOB 'census:*') AND p.name GLOB 'oaipmh:*'
            AND p.format = c.format AND (c.set_spec IS NULL OR p.set_spec = c.set_spec))
    JOIN requests AS r ON r.channel = p.channel
    WHERE c.channel = :channel AND p.name NOT GLOB 'census:*' AND r.run < :run);

-- name: loss_ids
-- Ids that were held live before a run in one channel by id, and that it found gone (SQLite): identifier, in their order.
-- Held live and gone are as in loss_of_channel. Parameters: run, channel.
WITH before AS (
    SELECT o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run < :run AND r.channel = :channel AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
      AND o.state IN ('read', 'deleted', 'absent', 'moved', 'forbidden')
    GROUP BY o.identifier),
now AS (
    SELECT o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run = :run AND r.channel = :channel AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY o.identifier)
SELECT b.identifier FROM before AS b JOIN now AS n USING (identifier)
WHERE b.state = 'read' AND n.state IN ('deleted', 'absent', 'forbidden')
ORDER BY b.identifier;

-- name: loss_of_channel
-- What a run found of the records that were held live before it in one channel (SQLite): name, held, gone, first_gone,
-- unnamed, first_unnamed. Held live is: the last outcome of an earlier harvest that says anything of the record says
-- that it was read. Gone: the last outcome of the run is deleted, absent or forbidden. Unnamed: the run has no outcome
-- for it; where an earlier harvest accepted that records are no longer listed, or a search that told of them, only those
-- count that were listed since.
-- A list without a set, and a census, are compared with the lists of the same format.
-- Parameters: run, channel.
WITH peers AS (
    SELECT p.channel, p.name
    FROM channels AS c JOIN channels AS p
        ON p.channel = c.channel
        OR ((c.name GLOB 'oaipmh:*' OR c.name GLOB 'census:*') AND (p.name GLOB 'oaipmh:*' OR p.name GLOB 'census:*')
            AND p.format = c.format AND (c.set_spec IS NULL OR p.set_spec = c.set_spec))
    WHERE c.channel = :channel),
accepted AS (
    SELECT max(run) AS run FROM findings JOIN runs USING (run)
    WHERE code IN ('vanished-accepted', 'no-longer-found') AND mode <> 'census' AND run < :run
      AND findings.channel IN (SELECT channel FROM peers)),
before AS (
    SELECT o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run < :run AND r.channel IN (SELECT channel FROM peers WHERE name NOT GLOB 'census:*')
      AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
      AND o.state IN ('read', 'deleted', 'absent', 'moved', 'forbidden')
    GROUP BY o.identifier),
since AS (
    SELECT DISTINCT o.identifier
    FROM accepted JOIN requests AS r ON r.run >= accepted.run AND r.run < :run
    CROSS JOIN outcomes AS o
    WHERE r.channel IN (SELECT channel FROM peers) AND o.outcome BETWEEN r.first_outcome AND r.last_outcome),
now AS (
    SELECT o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run = :run AND r.channel IN (SELECT channel FROM peers)
      AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY o.identifier),
found AS (
    SELECT b.identifier, n.state IN ('deleted', 'absent', 'forbidden') AS gone,
           n.identifier IS NULL AND ((SELECT run FROM accepted) IS NULL
               OR b.identifier IN (SELECT identifier FROM since)) AS unnamed
    FROM before AS b LEFT JOIN now AS n USING (identifier)
    WHERE b.state = 'read')
SELECT (SELECT name FROM channels WHERE channel = :channel) AS name, count(*) AS held,
       count(*) FILTER (WHERE gone) AS gone, min(identifier) FILTER (WHERE gone) AS first_gone,
       count(*) FILTER (WHERE unnamed) AS unnamed, min(identifier) FILTER (WHERE unnamed) AS first_unnamed
FROM found;

-- name: meta
-- A value of the archive. Parameter: key.
SELECT value FROM meta WHERE key = ?;

-- name: move_rest
-- Set the place from which ids have no window yet. Parameters: from_, window.
UPDATE windows SET from_ = ? WHERE window = ?;

-- name: newest_census
-- The newest finished census.
SELECT max(run) FROM runs WHERE mode = 'census' AND state IN ('complete', 'findings');

-- name: newest_copies
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

-- name: newest_runs
-- The runs that harvested (SQLite), in the order of their last outcomes: run, started, whole (finished, and over a list
-- that had no bounds).
SELECT run, started,
       mode = 'full' AND spider IN ('oaipmh', 'search') AND state IN ('complete', 'findings')
       AND coalesce(json_extract(arguments, '$.from'), json_extract(arguments, '$.until'),
                    json_extract(arguments, '$.sample'), json_extract(arguments, '$.shard')) IS NULL AS whole
FROM runs
ORDER BY coalesce((SELECT max(r.last_outcome) FROM requests AS r WHERE r.run = runs.run), 0), run;

-- name: next_outcome
-- The number of the next outcome.
SELECT coalesce(max(outcome), 0) + 1 FROM outcomes;

-- name: older_than_held
-- Records for which a run brought no datestamp as new as that of a copy from an earlier run (SQLite): how many, the first
-- identifier. Datestamps are compared as text where they have one length.
-- Parameters: run.
WITH here AS (
    SELECT c.format, o.identifier, max(o.datestamp) AS datestamp
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    JOIN channels AS c ON c.channel = r.channel
    WHERE r.run = :run AND o.state IN ('read', 'deleted')
    GROUP BY c.format, o.identifier)
SELECT count(DISTINCT here.identifier), min(here.identifier)
FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
JOIN channels AS c ON c.channel = r.channel
JOIN here ON here.format = c.format AND here.identifier = o.identifier
WHERE runs.run < :run AND runs.mode <> 'census' AND r.run = runs.run AND o.state IN ('read', 'deleted')
  AND o.datestamp > here.datestamp AND length(o.datestamp) = length(here.datestamp);

-- name: open_run
-- The newest run of the same arguments that is not finished. Parameters: spider, mode, arguments.
SELECT run, spider, mode, arguments, started, provider_started, state FROM runs WHERE spider = ? AND mode = ? AND arguments = ? AND state IN ('open', 'unfinished') ORDER BY run DESC;

-- name: open_shard
-- Add an open shard: shard, run, name.
INSERT INTO shards VALUES (?, ?, ?, 'open', 0, 0, 0, 0, NULL, NULL);

-- name: open_shards
-- Shards that an earlier process left open: shard, name, bytes, records.
SELECT shard, name, bytes, records FROM shards WHERE state = 'open' ORDER BY shard;

-- name: outcomes_of_frame
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

-- name: provider_started
-- When a run began, by the provider's clock. Parameter: run.
SELECT provider_started FROM runs WHERE run = ?;

-- name: read_meta
-- Read anything, so that the snapshot begins.
SELECT value FROM meta;

-- name: records_done
-- Distinct ids of all windows of a run that are done. Parameter: run.
SELECT coalesce(sum(distinct_ids), 0) FROM windows WHERE run = ? AND state = 'done';

-- name: refused_bodies
-- Refused bodies in the order of their names, each once though several ids may name it: name, sha256 (of NAME.json).
SELECT DISTINCT name, sha256 FROM quarantine ORDER BY name;

-- name: reopen_done_windows
-- Open the windows that are done again. Parameter: run.
UPDATE windows SET state = 'open', end = NULL, closed = NULL WHERE run = ? AND state = 'done';

-- name: reopen_lost_windows
-- Open the lost windows of a run again. Parameter: run.
UPDATE windows SET state = 'open', end = NULL, closed = NULL WHERE run = ? AND state = 'lost';

-- name: reopen_run
-- Open a run again. Parameter: run.
UPDATE runs SET state = 'open', finished = NULL WHERE run = ?;

-- name: replace_frame
-- Place and sizes of a frame in a rewritten shard. Parameters: offset, bytes, content_bytes, shard, frame, records.
UPDATE frames SET "offset" = ?, bytes = ?, content_bytes = ? WHERE (shard, frame, records) = (?, ?, ?);

-- name: replace_shard
-- Switch to a rewritten shard with as many records and frames. Parameters: name, bytes, content_bytes, sha256, sha512,
-- shard, records, frames.
UPDATE shards SET name = ?, bytes = ?, content_bytes = ?, sha256 = ?, sha512 = ? WHERE shard = ? AND (records, frames) = (?, ?);

-- name: restate_window
-- Set the size declared for a window. Parameters: stated, window.
UPDATE windows SET stated = ? WHERE window = ?;

-- name: rights_stated
-- What the provider stated last about the rights in its metadata, in Identify. One row a statement: message.
SELECT DISTINCT message
FROM findings
WHERE code = 'rights-stated' AND run = (SELECT max(run) FROM findings WHERE code = 'rights-stated')
ORDER BY message;

-- name: run_has_findings
-- One row if a run has a warning or an error. Parameter: run.
SELECT 1 FROM findings WHERE run = ? AND severity IN ('warning', 'error') LIMIT 1;

-- name: run_has_open_windows
-- One row if a run has a window that is open or lost. Parameter: run.
SELECT 1 FROM windows WHERE run = ? AND state IN ('open', 'lost') LIMIT 1;

-- name: run_lost_in_bulk
-- One row if a run found a loss in bulk. Parameter: run.
SELECT 1 FROM findings WHERE run = ? AND code = 'loss-in-bulk' LIMIT 1;

-- name: seal_shard
-- Seal a shard. Parameters: records, frames, bytes, content_bytes, sha256, sha512, shard.
UPDATE shards SET state = 'sealed', records = ?, frames = ?, bytes = ?, content_bytes = ?, sha256 = ?, sha512 = ? WHERE shard = ?;

-- name: set_format_version
-- Note the version of the format. Parameter: value.
INSERT INTO meta VALUES ('format_version', ?);

-- name: set_meta
-- Set a value of the archive. Parameters: key, value.
INSERT OR REPLACE INTO meta VALUES (?, ?);

-- name: set_provider_started
-- Set when a run began by the provider's clock, once. Parameters: provider_started, run.
UPDATE runs SET provider_started = ? WHERE run = ? AND provider_started IS NULL;

-- name: set_validator
-- Set the validator (ETag, Last-Modified) of an id: channel, identifier, value.
INSERT OR REPLACE INTO validators VALUES (?, ?, ?);

-- name: shard_names
-- The names of all shards.
SELECT name FROM shards;

-- name: shard_records
-- How many records a shard has. Parameter: shard.
SELECT records FROM shards WHERE shard = ?;

-- name: shards_to_read
-- Shards with records that count (SQLite), in their order: shard, name, state, bytes (that count), records, sha256.
SELECT shard, name, state, bytes, records, sha256 FROM shards WHERE records > 0 ORDER BY shard;

-- name: splits_counts
-- How many identifiers are in the temporary tables that splits_ids fills (SQLite): listed (before the cut), brought
-- (by the parts), together (by either).
SELECT (SELECT count(*) FROM temp.own) AS listed, (SELECT count(*) FROM temp.parts) AS brought,
       (SELECT count(*) FROM (SELECT identifier FROM temp.own UNION SELECT identifier FROM temp.parts)) AS together;

-- name: splits_ids
-- Fill two temporary tables (SQLite) with the identifiers that a list gave before it was cut (own), and with those
-- that its parts gave (parts). Of a list without bounds every other list of its channel in its run is a part.
-- Parameters: window.
DROP TABLE IF EXISTS temp.own;
DROP TABLE IF EXISTS temp.parts;
CREATE TEMP TABLE own AS
    SELECT DISTINCT o.identifier
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.window = :window AND r.state = 'read';
CREATE TEMP TABLE parts AS
    WITH RECURSIVE below AS (
        SELECT window, false AS is_part FROM windows WHERE window = :window
        UNION ALL
        SELECT w.window, true FROM below AS b JOIN windows AS w ON w.parent = b.window),
    whole AS (
        SELECT w.window FROM windows AS w JOIN windows AS top ON top.window = :window
        WHERE top.from_ IS NULL AND top.until IS NULL AND w.run = top.run AND w.channel = top.channel
          AND w.window <> top.window)
    SELECT DISTINCT o.identifier
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.window IN (SELECT window FROM below WHERE is_part UNION SELECT window FROM whole);

-- name: splits_lacking
-- Identifiers that a list gave before it was cut, and no other list of its channel in its run (SQLite): identifier.
-- Uses the temporary tables that splits_ids fills. Parameters: window.
WITH wanted AS (SELECT identifier FROM temp.own EXCEPT SELECT identifier FROM temp.parts),
     elsewhere AS (
        SELECT o.identifier
        FROM windows AS top JOIN requests AS r ON r.run = top.run AND r.channel = top.channel AND r.window <> top.window
        CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
        WHERE top.window = :window AND o.identifier IN (SELECT identifier FROM wanted))
SELECT identifier FROM wanted EXCEPT SELECT identifier FROM elsewhere ORDER BY identifier;

-- name: splits_not_seen
-- Identifiers in the temporary table `shown` that no answer of a run has named in a channel (SQLite): identifier, in the
-- order of the table. Parameters: run, channel.
SELECT identifier FROM temp.shown
WHERE identifier NOT IN (
    SELECT o.identifier
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.run = :run AND r.channel = :channel)
ORDER BY place;

-- name: splits_open
-- Identifiers that lists of a run named and that have no answer of their own (SQLite): channel, identifier.
-- Parameters: run.
WITH named AS (
        SELECT DISTINCT r.channel, o.identifier
        FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
        WHERE r.run = :run AND r.attempt = 0 AND o.state = 'open'),
     ended AS (
        SELECT r.channel, o.identifier, o.state, max(o.outcome)
        FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
        JOIN named AS n ON n.channel = r.channel AND n.identifier = o.identifier
        WHERE r.run = :run
        GROUP BY r.channel, o.identifier)
SELECT channel, identifier FROM ended WHERE state = 'open' ORDER BY channel, identifier;

-- name: splits_windows
-- Lists of a run that were cut into parts which are all settled (SQLite), the parts of others first: window, parent,
-- channel, from_, until, end, stated, reason (of the last answer to it that could not be used, or NULL).
-- Parameters: run.
WITH RECURSIVE below AS (
    SELECT window AS top, window FROM windows WHERE run = :run AND state = 'split'
    UNION ALL
    SELECT b.top, w.window FROM below AS b JOIN windows AS w ON w.parent = b.window WHERE w.run = :run)
SELECT w.window, w.parent, w.channel, w.from_, w.until, w.end, w.stated,
       (SELECT r.reason FROM requests AS r WHERE r.window = w.window AND r.state IN ('refused', 'lost')
        ORDER BY r.request DESC LIMIT 1) AS reason
FROM windows AS w
WHERE w.run = :run AND w.state = 'split' AND w.window NOT IN (
    SELECT b.top FROM below AS b JOIN windows AS part ON part.window = b.window WHERE part.state IN ('open', 'lost'))
ORDER BY w.window DESC;

-- name: stated_totals
-- Sizes that the provider declared for the first window of each channel: set_spec, stated. Parameter: run.
SELECT set_spec, stated FROM windows JOIN channels USING (channel) WHERE window IN (SELECT min(window) FROM windows WHERE run = ? AND parent IS NULL GROUP BY channel) AND state <> 'open' ORDER BY window;

-- name: torn_windows
-- Windows that hold ids which changed while they were read, in the order of WindowRow. Parameter: run.
SELECT w.window, w.channel, w.parent, w.verb, w.from_, w.until, w.state, w.attempts, count(DISTINCT o.identifier) FROM windows AS w JOIN requests AS r USING (window) JOIN outcomes AS o USING (request) JOIN changed AS c ON c.channel = w.channel AND c.identifier = o.identifier WHERE w.run = ? AND w.state = 'done' AND w.pages > 1 AND w.stated IS NULL AND o.datestamp < ? AND NOT EXISTS (SELECT 1 FROM windows AS child WHERE child.parent = w.window) GROUP BY w.window ORDER BY w.window;

-- name: unsettled_states
-- The states in which doubtful ids ended: state. Parameter: run.
SELECT DISTINCT state FROM (
    SELECT o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    JOIN doubtful AS d ON d.channel = r.channel AND d.identifier = o.identifier
    WHERE r.run = ? GROUP BY r.channel, o.identifier);

-- name: unsized_edge
-- The datestamp of one record of a list, counted from the newest, or from the oldest (SQLite): edge.
-- Parameters: window, place (0 for the first), oldest (0 or 1).
SELECT o.datestamp AS edge
FROM windows AS w JOIN requests AS r ON r.window = w.window AND r.attempt = w.attempts
CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE w.window = :window AND o.datestamp <> ''
ORDER BY iif(:oldest, o.datestamp, NULL), o.datestamp DESC LIMIT 1 OFFSET :place;

-- name: unsized_lists
-- Finished lists of a run that had no stated size, and several pages or a round number of records (SQLite): window,
-- pages, listed (records with a datestamp in the last attempt), rises and falls (how often a datestamp is later, or
-- earlier, than the one before). Not those that were listed again in parts. Parameters: run, after (a window; only later
-- ones).
WITH listed AS (
    SELECT w.window, w.pages, o.datestamp AS stamp,
           lag(o.datestamp) OVER (PARTITION BY w.window ORDER BY o.outcome) AS before
    FROM windows AS w JOIN requests AS r ON r.window = w.window AND r.attempt = w.attempts
    CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE w.run = :run AND w.window > :after AND w.state = 'done' AND w.stated IS NULL
      AND (w.pages > 1 OR (w.distinct_ids >= 50 AND w.distinct_ids % 50 = 0))
      AND w.verb IN ('ListRecords', 'ListIdentifiers') AND o.datestamp <> ''
      AND NOT EXISTS (SELECT 1 FROM windows AS part WHERE part.parent = w.window))
SELECT window, pages, count(*) AS listed, total(stamp > before) AS rises, total(stamp < before) AS falls
FROM listed
GROUP BY window
ORDER BY window;

-- name: validators
-- Validators (ETag, Last-Modified) of some ids: identifier, value. Parameters: channel, identifiers (a JSON array).
SELECT identifier, value FROM validators
WHERE channel = :channel AND identifier IN (SELECT value FROM json_each(:identifiers));

-- name: view_without_sha512
-- Shards of a ledger of an earlier version that cannot be written to.
CREATE TEMP VIEW shards AS SELECT *, NULL AS sha512 FROM main.shards;

-- name: wanted_ids
-- The next 1,000 wanted ids: rowid, id. Parameter: after (rowid).
SELECT rowid, id FROM temp.wanted WHERE rowid > ? ORDER BY rowid LIMIT 1000;

-- name: whole_channels
-- Channels, and whether each lists the whole repository: channel, whole.
SELECT channel, set_spec IS NULL FROM channels;

-- name: windows_of_run
-- The windows of a run, in the order of WindowRow. Parameter: run.
SELECT window, channel, parent, verb, from_, until, state, max(attempts, coalesce((SELECT max(attempt) FROM requests WHERE requests.window = windows.window), 0)), (SELECT set_spec FROM windowsets AS s WHERE s.window = windows.window) FROM windows WHERE run = ? AND (? IS NULL OR state = ?) ORDER BY window;

-- name: work_of_runs
-- What each run took (SQLite), in their order: run, spider, mode, arguments, state, started, finished, requests that
-- were answered or given up (with each try), records and bytes (unpacked) that it kept.
SELECT r.run, r.spider, r.mode, r.arguments, r.state, r.started, r.finished,
       (SELECT coalesce(sum(max(q.attempts, 1)), 0) FROM requests AS q
        WHERE q.run = r.run AND (q.http_status IS NOT NULL OR q.reason IS NOT NULL)) AS requests,
       (SELECT coalesce(sum(s.records), 0) FROM shards AS s WHERE s.run = r.run) AS records,
       (SELECT coalesce(sum(s.content_bytes), 0) FROM shards AS s WHERE s.run = r.run) AS content_bytes
FROM runs AS r
ORDER BY r.run;
