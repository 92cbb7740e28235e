-- Queries of archive.integrity, in alphabetical order. archive/queries.py reads this file.

-- name: fixity_refused
-- Refused bodies with their digest: name, sha256.
SELECT DISTINCT name, sha256 FROM quarantine;

-- name: mend_add_mended
-- Add an outcome. Parameters: reason, outcome.
INSERT INTO temp.mended (reason, outcome) VALUES (?, ?);

-- name: mend_clear_mended
-- Begin with none.
DELETE FROM temp.mended;

-- name: mend_contents
-- A content that is damaged is none (SQLite).
-- Parameters: sha256.
DELETE FROM contents WHERE sha256 = :sha256;

-- name: mend_create_mended
-- Outcomes whose record is lost, with the reason.
CREATE TEMP TABLE IF NOT EXISTS mended (outcome INTEGER PRIMARY KEY, reason TEXT);

-- name: mend_drop_frames
-- Forget the frames of a shard. Parameter: shard.
DELETE FROM frames WHERE shard = ?;

-- name: mend_drop_refused
-- Forget a refused body that is gone. Parameter: name.
DELETE FROM quarantine WHERE name = ?;

-- name: mend_drop_shard
-- Forget a shard that has no frame left. Parameter: shard.
DELETE FROM shards WHERE shard = ?;

-- name: mend_file_runs
-- Runs, the newest in their words, that have a file whose content (sha256) is damaged are unfinished (SQLite): the same
-- command asks for it again.
-- Parameters: sha256.
UPDATE runs SET state = 'unfinished', finished = NULL
WHERE run IN (SELECT run FROM files WHERE sha256 = :sha256)
  AND run IN (SELECT max(run) FROM runs GROUP BY spider, mode, arguments);

-- name: mend_file_windows
-- The windows of those runs are gone through again (SQLite): only the files in them that are lost are asked for.
-- Parameters: sha256.
UPDATE windows SET state = 'lost'
WHERE state = 'done' AND run IN (SELECT run FROM files WHERE sha256 = :sha256)
  AND run IN (SELECT max(run) FROM runs GROUP BY spider, mode, arguments);

-- name: mend_files
-- Files whose content (sha256) is damaged are lost (SQLite).
-- Parameters: sha256.
UPDATE files SET state = 'lost', reason = 'its content was damaged', sha256 = NULL, bytes = NULL
WHERE sha256 = :sha256;

-- name: mend_first_arguments
-- The arguments of the first run.
SELECT arguments FROM runs ORDER BY run LIMIT 1;

-- name: mend_frames
-- The frames of a shard in order: frame, offset, bytes, records, first_outcome, last_outcome. Parameter: shard.
SELECT frame, offset, bytes, records, first_outcome, last_outcome FROM frames WHERE shard = ? ORDER BY frame;

-- name: mend_lost
-- The outcomes in temp.mended (outcome, reason) become lost (SQLite).
UPDATE outcomes SET state = 'lost', reason = (SELECT m.reason FROM temp.mended AS m WHERE m.outcome = outcomes.outcome)
WHERE outcome IN (SELECT outcome FROM temp.mended);

-- name: mend_newest_run
-- The newest run.
SELECT max(run) FROM runs;

-- name: mend_not_modified
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

-- name: mend_refused
-- Refused bodies with their digest: name, sha256.
SELECT name, min(sha256) FROM quarantine GROUP BY name ORDER BY name;

-- name: mend_run_has_findings
-- A complete run that was mended has findings. Parameter: run.
UPDATE runs SET state = 'findings' WHERE run = ? AND state = 'complete';

-- name: mend_runs
-- Runs that were complete and have lost something of temp.mended are so no longer (SQLite).
UPDATE runs SET state = 'findings'
WHERE state = 'complete' AND run IN (
    SELECT r.run FROM temp.mended JOIN outcomes AS o USING (outcome) JOIN requests AS r USING (request));

-- name: mend_seal_shard
-- Name, counts and digests of a shard that was written again. Parameter: shard, last.
UPDATE shards SET name = ?, state = 'sealed', records = ?, frames = ?, bytes = ?, content_bytes = ?, sha256 = ?, sha512 = ? WHERE shard = ?;

-- name: mend_shards
-- The numbers of all shards.
SELECT shard FROM shards;

-- name: mend_validators
-- What the ids of temp.mended were told apart by is forgotten (SQLite), so that they are sent whole and not as
-- unchanged.
DELETE FROM validators
WHERE (channel, identifier) IN (
    SELECT r.channel, o.identifier
    FROM temp.mended JOIN outcomes AS o USING (outcome) JOIN requests AS r USING (request));

-- name: rebuild_add_channel
-- Add a channel and return its number. Parameters: name, format.
INSERT INTO main.channels (name, format) VALUES (?, ?) RETURNING channel;

-- name: rebuild_add_run
-- Add a run for records whose own run is not known. Parameters: spider, software, started, finished.
INSERT INTO main.runs (spider, mode, arguments, software, started, finished, state) VALUES (?, 'full', ?, '{}', ?, ?, 'findings');

-- name: rebuild_add_stored
-- Add a content that is there: sha256, sha512, bytes.
INSERT INTO stored VALUES (?, ?, ?);

-- name: rebuild_channel_of
-- The channels in which the old ledger (attached as old) has an id, the last one first (SQLite): channel.
-- Parameters: 1 identifier.
SELECT r.channel
FROM old.outcomes AS o JOIN old.requests AS r ON r.request = o.request
WHERE o.identifier = ?1 AND r.channel IS NOT NULL
GROUP BY r.channel
ORDER BY max(o.outcome) DESC;

-- name: rebuild_channels
-- Channels of the old ledger (attached as old) that can be read (SQLite).
INSERT OR IGNORE INTO main.channels (channel, name, format, set_spec)
SELECT channel, name, format, set_spec FROM old.channels
WHERE channel > 0 AND name LIKE '%:%' AND name NOT LIKE 'census:%';

-- name: rebuild_contents
-- Contents of files that are here (temp.stored: sha256, sha512, bytes) (SQLite).
INSERT INTO main.contents SELECT sha256, sha512, bytes FROM temp.stored;

-- name: rebuild_create_stored
-- Contents of files that are there and whole.
CREATE TEMP TABLE stored (sha256 TEXT PRIMARY KEY, sha512 TEXT, bytes INTEGER);

-- name: rebuild_filelists
-- Lists of files of the old ledger (attached as old) that can be read whole, of records that are here (SQLite).
INSERT OR IGNORE INTO main.filelists (run, identifier, outcome, listed, left_out, at)
SELECT l.run, l.identifier, max(o.outcome), l.listed, l.left_out, l.at
FROM old.filelists AS l
JOIN main.runs AS r ON r.run = l.run
JOIN main.outcomes AS o ON o.identifier = l.identifier
WHERE l.listed = (SELECT count(DISTINCT f.key) FROM old.files AS f WHERE f.run = l.run AND f.identifier = l.identifier)
GROUP BY l.run, l.identifier;

-- name: rebuild_files
-- Files of the lists that were taken over (SQLite); one whose content is not here is lost.
INSERT INTO main.files (run, identifier, key, url, size, checksum, media_type, version, state, reason, sha256, bytes,
                        etag, at)
SELECT f.run, f.identifier, f.key, f.url, f.size, f.checksum, f.media_type, f.version,
       iif(f.state = 'read' AND s.sha256 IS NULL, 'lost', f.state),
       iif(f.state = 'read' AND s.sha256 IS NULL, 'its content was damaged', f.reason),
       iif(f.state = 'read', s.sha256, NULL), iif(f.state = 'read', s.bytes, NULL), f.etag, f.at
FROM old.files AS f
JOIN main.filelists AS l ON l.run = f.run AND l.identifier = f.identifier
LEFT JOIN temp.stored AS s ON s.sha256 = f.sha256
ORDER BY f.file;

-- name: rebuild_findings
-- Findings of the old ledger (attached as old) that can be read, without their windows (SQLite).
INSERT OR IGNORE INTO main.findings (run, code, severity, channel, identifier, message, expected, found, at)
SELECT f.run, f.code, f.severity, c.channel, f.identifier, f.message, f.expected, f.found, f.at
FROM old.findings AS f JOIN main.runs AS r ON r.run = f.run LEFT JOIN main.channels AS c ON c.channel = f.channel
WHERE f.severity IN ('info', 'warning', 'error')
ORDER BY f.finding;

-- name: rebuild_full_run
-- The newest full run.
SELECT max(run) FROM main.runs WHERE mode = 'full';

-- name: rebuild_index_outcomes
-- Find the old outcomes of an id quickly.
CREATE INDEX old.outcomes_by_identifier ON outcomes (identifier);

-- name: rebuild_meta
-- What the old ledger (attached as old) said of itself, but for its format version (SQLite).
INSERT OR IGNORE INTO main.meta SELECT key, value FROM old.meta WHERE key IN ('crosswalks');

-- name: rebuild_new_channels
-- The channels so far: channel, name, format.
SELECT channel, name, format FROM main.channels;

-- name: rebuild_new_contents
-- Digests of contents that the new ledger has.
SELECT sha256 FROM main.contents;

-- name: rebuild_newest_run
-- The newest run.
SELECT max(run) FROM main.runs;

-- name: rebuild_old_contents
-- Digests of files that the old ledger names.
SELECT DISTINCT sha256 FROM old.files WHERE sha256 IS NOT NULL;

-- name: rebuild_old_shards
-- The shards that the old ledger names: shard, name.
SELECT shard, name FROM old.shards;

-- name: rebuild_open_shard
-- Add a shard that is counted next. Parameters: shard, run, name.
INSERT INTO main.shards VALUES (?, ?, ?, 'open', 0, 0, 0, 0, NULL, NULL);

-- name: rebuild_outcomes
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

-- name: rebuild_refused
-- Refused bodies with an id: name, identifier.
SELECT name, max(identifier) FROM old.quarantine GROUP BY name;

-- name: rebuild_run_of_shard
-- The old run of a shard, if the new ledger has it. Parameter: shard.
SELECT run FROM main.runs WHERE run = (SELECT run FROM old.shards WHERE shard = ?);

-- name: rebuild_runs
-- Runs of the old ledger (attached as old) that can be read and were no census, whose headers no shard has (SQLite).
-- None is complete, nor anything an incremental run may begin at: no shard shows that a list was read to its end.
INSERT OR IGNORE INTO main.runs (run, spider, mode, arguments, software, started, provider_started, finished, state)
SELECT run, spider, mode, arguments, iif(json_valid(software), software, '{}'), started, NULL, finished,
       'findings'
FROM old.runs
WHERE mode <> 'census' AND run > 0 AND json_valid(arguments) AND json_type(arguments) = 'object';

-- name: rebuild_spider
-- The spider of a run. Parameter: run.
SELECT spider FROM main.runs WHERE run = ?;

-- name: rebuild_states
-- The newest full harvest in each wording is unfinished, or the newest incremental one where there is no full one
-- (SQLite): the same command lists again, and what nobody knows to be missing is asked for. A run whose words nobody
-- knows (a search, found by its records) cannot be asked again.
UPDATE main.runs SET state = 'unfinished', finished = NULL
WHERE run IN (
    SELECT run FROM (
        SELECT run, row_number() OVER (PARTITION BY spider, arguments ORDER BY mode = 'full' DESC, run DESC) AS place
        FROM main.runs
        WHERE mode IN ('full', 'incremental') AND (spider <> 'search' OR software <> '{}'))
    WHERE place = 1);

-- name: rebuild_waits
-- Waits of the old ledger (attached as old) that can be read (SQLite).
INSERT OR IGNORE INTO main.waits (run, host, began, seconds, reason)
SELECT w.run, w.host, w.began, w.seconds, w.reason FROM old.waits AS w JOIN main.runs AS r ON r.run = w.run
ORDER BY w.wait;

-- name: salvage_columns
-- The columns of a table. Parameter: table.
SELECT name FROM pragma_table_info(?);

-- name: salvage_keys
-- Columns of a table: name, type, whether not null, place in the key. Parameter: table.
SELECT name, type, "notnull", pk FROM pragma_table_info(?);

-- name: salvage_table_count
-- How many tables can be read.
SELECT count(*) FROM sqlite_schema WHERE type = 'table';

-- name: salvage_tables
-- The tables of a ledger: name, whether it has rowids.
SELECT name, NOT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name;

-- name: shards_to_check
-- Shards of the ledger (SQLite), in their order: shard, name, state, records, frames, bytes, content_bytes, sha256.
SELECT shard, name, state, records, frames, bytes, content_bytes, sha256 FROM shards ORDER BY shard;
