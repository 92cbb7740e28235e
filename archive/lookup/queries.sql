-- Queries of archive.lookup, in alphabetical order. archive/queries.py reads this file.

-- name: get_stored
-- Those of some outcomes that may have come with a record (SQLite), in order: outcome, identifier.
-- Parameters: outcomes (their numbers, a JSON array).
SELECT o.outcome, o.identifier
FROM json_each(:outcomes) AS wanted JOIN outcomes AS o ON o.outcome = wanted.value
WHERE o.state IN ('read', 'deleted')
ORDER BY o.outcome;

-- name: held_frames
-- The frames (SQLite) in whose range some outcomes are: outcome, shard, name, state (of the shard), frame, offset, bytes.
-- Parameters: outcomes (their numbers, a JSON array).
SELECT wanted.value AS outcome, f.shard, s.name, s.state, f.frame, f.offset, f.bytes
FROM json_each(:outcomes) AS wanted
     JOIN frames AS f ON wanted.value BETWEEN f.first_outcome AND f.last_outcome
     JOIN shards AS s USING (shard)
ORDER BY wanted.value;

-- name: held_refused
-- Refused bodies (SQLite) that were answers to some requests or are of some ids: request, name, bytes, sha256.
-- Parameters: requests, identifiers (JSON arrays).
SELECT request, name, bytes, sha256
FROM quarantine
WHERE request IN (SELECT value FROM json_each(:requests)) OR identifier IN (SELECT value FROM json_each(:identifiers))
ORDER BY quarantine;

-- name: lookup_doi
-- Identifiers of the records that have a DOI, in the archive's one form of it.
-- Parameters: doi.
SELECT DISTINCT identifier FROM versions WHERE doi = $doi ORDER BY identifier;

-- name: lookup_index
-- Outcomes whose local id is one of some: outcome, identifier.
-- Parameters: local_ids.
SELECT outcome, identifier FROM outcomes WHERE list_contains($local_ids, local_id) ORDER BY outcome;

-- name: lookup_last_outcome
-- The newest outcome that the index knows, 0 without one.
SELECT coalesce(max(outcome), 0) FROM outcomes;

-- name: lookup_scan
-- Outcomes that may be of one id (SQLite), found by the end of their identifiers: outcome, identifier.
-- Parameters: after (only outcomes behind this one); tail (in lower case; empty for all), length (its characters).
SELECT outcome, identifier
FROM outcomes
WHERE outcome > :after AND (:length = 0 OR lower(substr(identifier, -:length)) = :tail)
ORDER BY outcome;

-- name: nearby_channels
-- The channels (SQLite), by name: name, windows, and how many of these are open or lost.
SELECT c.name, count(w.window) AS windows, coalesce(sum(w.state IN ('open', 'lost')), 0) AS unsettled
FROM channels AS c LEFT JOIN windows AS w USING (channel)
GROUP BY c.channel
ORDER BY c.name;

-- name: nearby_ranges
-- The ranges of ids (SQLite) that hold a number or come next to it, the nearest first: covers, window, run, channel,
-- from_, until, state. A range that was split is told by its parts.
-- Parameters: number, limit.
WITH ranges AS (
    SELECT window, run, c.name AS channel, from_, until, state, CAST(from_ AS INTEGER) AS first,
           coalesce(CAST(until AS INTEGER), 9223372036854775807) AS last
    FROM windows JOIN channels AS c USING (channel)
    WHERE verb = 'ids' AND state <> 'split' AND from_ GLOB '[0-9]*')
SELECT :number BETWEEN first AND last AS covers, window, run, channel, from_, until, state
FROM ranges
ORDER BY max(first - :number, :number - last, 0), window
LIMIT :limit;

-- name: nearby_rests
-- What is left of ranges of ids (SQLite) that are handed out piece by piece: window, run, channel, from_ (the next id),
-- until (all ranges, as "1-5000,7001-"), state.
SELECT window, run, c.name AS channel, from_, until, state
FROM windows JOIN channels AS c USING (channel)
WHERE verb = 'rest' AND state <> 'done' AND from_ GLOB '[0-9]*'
ORDER BY window;

-- name: story_asked
-- What some outcomes (SQLite) came with, in their order: the outcome, its request, run and channel, its window (or
-- nulls), and `since`: when the request before it in its window ended, or else the window was opened or the run began.
-- Parameters: outcomes (their numbers, a JSON array).
SELECT o.outcome, o.identifier, c.name AS channel, o.state, coalesce(o.reason, r.reason) AS reason, o.datestamp,
       r.request, r.run, runs.mode, runs.state AS run_state, r.at, r.url, r.http_status, r.attempts,
       coalesce((SELECT max(p.at) FROM requests AS p WHERE p.window = r.window AND p.request < r.request),
                w.opened, runs.started) AS since,
       r.window, w.verb, w.from_, w.until, w.state AS window_state, w.end, w.listed, w.stated
FROM json_each(:outcomes) AS wanted
     CROSS JOIN outcomes AS o ON o.outcome = wanted.value
     JOIN requests AS r USING (request)
     JOIN runs USING (run)
     LEFT JOIN channels AS c ON c.channel = r.channel
     LEFT JOIN windows AS w ON w.window = r.window
ORDER BY o.outcome;

-- name: story_filelists
-- The newest list of the files of some ids (SQLite): identifier, run, listed, left_out, at.
-- Parameters: identifiers (a JSON array).
SELECT identifier, max(run) AS run, listed, left_out, at
FROM filelists WHERE identifier IN (SELECT value FROM json_each(:identifiers))
GROUP BY identifier
ORDER BY identifier;

-- name: story_files
-- The files of some ids (SQLite), as their last rows have them: identifier, key, run, state, reason, size, checksum,
-- media_type, url, at, bytes, sha256, held_in. The last three are of the newest content, which run held_in has read:
-- where that is an earlier one, what it brought is still there. Null where there is none.
-- Parameters: identifiers (a JSON array).
WITH named AS (
    SELECT max(file) AS file, max(file) FILTER (WHERE state = 'read') AS held
    FROM files WHERE identifier IN (SELECT value FROM json_each(:identifiers))
    GROUP BY identifier, key)
SELECT f.identifier, f.key, f.run, f.state, f.reason, f.size, f.checksum, f.media_type, f.url, f.at,
       h.bytes, h.sha256, h.run AS held_in
FROM named AS n JOIN files AS f ON f.file = n.file LEFT JOIN files AS h ON h.file = n.held
ORDER BY f.identifier, n.file;

-- name: story_findings
-- Findings (SQLite) that name some ids, in their order: run, code, severity, channel, message, at.
-- Parameters: identifiers (a JSON array).
SELECT run, code, severity, c.name AS channel, message, at
FROM findings LEFT JOIN channels AS c USING (channel)
WHERE identifier IN (SELECT value FROM json_each(:identifiers))
ORDER BY finding;

-- name: story_waits
-- Waits of a run (SQLite) that ended in a span of time, by their beginning: host, began, seconds, reason. Times are to
-- the second, so that one may seem to end up to a second after the span.
-- Parameters: run, since, at.
SELECT host, began, seconds, reason
FROM waits
WHERE run = :run
  AND strftime('%s', began) + seconds BETWEEN strftime('%s', :since) + 0 AND strftime('%s', :at) + 1
ORDER BY began, wait;
