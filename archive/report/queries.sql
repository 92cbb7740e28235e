-- Queries of archive.report, in alphabetical order. archive/queries.py reads this file.

-- name: account_by_month
-- How the ids stand by the month of their datestamp (SQLite): one row a channel and month: channel, month ("2024-05";
-- NULL: no outcome of the id has a date), then listed (distinct ids) and how many of them are in each state.
-- The datestamp is the last one that is known, the state that of the last outcome: after every harvest, or in one run.
-- Each is packed behind the number of its outcome, so that the largest number is the last.
-- Parameters: run (NULL is all of them together, a census left out).
WITH ended AS (
    SELECT r.channel, max(o.outcome * 10 + CASE o.state WHEN 'read' THEN 1 WHEN 'deleted' THEN 2 WHEN 'absent' THEN 3
               WHEN 'moved' THEN 4 WHEN 'forbidden' THEN 5 WHEN 'refused' THEN 6 WHEN 'lost' THEN 7 ELSE 8 END) % 10
               AS state,
           max(iif(o.datestamp GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]*'
                   AND substr(o.datestamp, 6, 2) BETWEEN '01' AND '12', o.outcome * 1000000
               + CAST(substr(o.datestamp, 1, 4) || substr(o.datestamp, 6, 2) AS INTEGER), NULL)) % 1000000 AS month
    FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o
    WHERE iif(:run IS NULL, runs.mode <> 'census', runs.run = :run) AND r.run = runs.run
      AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.channel, o.identifier)
SELECT coalesce(c.name, '') AS channel, iif(month IS NULL, NULL, printf('%04d-%02d', month / 100, month % 100)) AS month,
       count(*) AS listed,
       count(*) FILTER (WHERE state = 1) AS read, count(*) FILTER (WHERE state = 2) AS deleted,
       count(*) FILTER (WHERE state = 3) AS absent, count(*) FILTER (WHERE state = 4) AS moved,
       count(*) FILTER (WHERE state = 5) AS forbidden, count(*) FILTER (WHERE state = 6) AS refused,
       count(*) FILTER (WHERE state = 7) AS lost, count(*) FILTER (WHERE state = 8) AS open
FROM ended LEFT JOIN channels AS c USING (channel)
GROUP BY ended.channel, ended.month
ORDER BY c.name, ended.month;

-- name: account_by_set
-- How the ids stand by set (DuckDB, index): one row a channel and set: channel, set_spec (NULL: none is known), then
-- listed (distinct ids) and how many of them are in each state. The sets of an id are those of the latest headers that
-- are held of it, and the one that the channel asked for; an id in two sets is in two rows.
-- Parameters: run (NULL is all of them together, a census left out).
WITH ended AS (
        SELECT coalesce(channel, '') AS channel, identifier, arg_max(state, outcome) AS state
        FROM outcomes
        WHERE CASE WHEN $run::INTEGER IS NULL THEN mode <> 'census' ELSE run = $run END
        GROUP BY ALL),
     held AS (SELECT DISTINCT identifier, unnest(sets) AS set_spec FROM versions WHERE latest),
     asked AS (
        SELECT DISTINCT channel, regexp_extract(channel, '^(?:oaipmh|census):[^:]+:(.+)$', 1) AS set_spec
        FROM ended),
     members AS (
        SELECT channel, identifier, set_spec FROM ended JOIN held USING (identifier)
        UNION
        SELECT channel, identifier, set_spec FROM ended JOIN asked USING (channel) WHERE set_spec <> '')
SELECT ended.channel, set_spec, count(DISTINCT identifier) AS listed,
       count(*) FILTER (state = 'read') AS "read", count(*) FILTER (state = 'deleted') AS deleted,
       count(*) FILTER (state = 'absent') AS absent, count(*) FILTER (state = 'moved') AS moved,
       count(*) FILTER (state = 'forbidden') AS forbidden, count(*) FILTER (state = 'refused') AS refused,
       count(*) FILTER (state = 'lost') AS lost, count(*) FILTER (state = 'open') AS "open"
FROM ended LEFT JOIN members USING (channel, identifier)
GROUP BY ended.channel, set_spec
ORDER BY ended.channel, set_spec NULLS LAST;

-- name: account_by_window
-- How the ids of each window ended (SQLite): one row a run, channel and window: run, channel, window (NULL: asked for
-- outside of any), verb, from_, until, window_state, then listed (distinct ids) and how many of them are in each state.
-- The state of an id is what its last outcome in the window says. An id may be in several windows.
-- Parameters: run (NULL is each of them).
WITH ended AS (
    SELECT r.run, r.channel, r.window, o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE (:run IS NULL OR r.run = :run) AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY r.run, r.channel, r.window, o.identifier)
SELECT e.run, coalesce(c.name, '') AS channel, e.window, w.verb, w.from_, w.until, w.state AS window_state,
       count(*) AS listed,
       count(*) FILTER (WHERE e.state = 'read') AS read, count(*) FILTER (WHERE e.state = 'deleted') AS deleted,
       count(*) FILTER (WHERE e.state = 'absent') AS absent, count(*) FILTER (WHERE e.state = 'moved') AS moved,
       count(*) FILTER (WHERE e.state = 'forbidden') AS forbidden,
       count(*) FILTER (WHERE e.state = 'refused') AS refused,
       count(*) FILTER (WHERE e.state = 'lost') AS lost, count(*) FILTER (WHERE e.state = 'open') AS open
FROM ended AS e LEFT JOIN channels AS c USING (channel) LEFT JOIN windows AS w ON w.window = e.window
GROUP BY e.run, e.channel, e.window
ORDER BY e.run, c.name, e.window;

-- name: report_answers
-- How the requests of a run were answered (SQLite): state, http_status (NULL: no answer), requests.
-- Parameters: run.
SELECT state, http_status, count(*) AS requests
FROM requests
WHERE run = :run AND (http_status IS NOT NULL OR reason IS NOT NULL)
GROUP BY state, http_status
ORDER BY requests DESC, state, http_status;

-- name: report_findings
-- Findings (SQLite), the first of each code, the worst code first: code, severity, count (of the code), run,
-- identifier, message, at.
-- Parameters: limit (examples of each code).
WITH numbered AS (
    SELECT finding, code, severity, run, identifier, message, at,
           count(*) OVER (PARTITION BY code, severity) AS count,
           row_number() OVER (PARTITION BY code, severity ORDER BY finding) AS number
    FROM findings)
SELECT code, severity, count, run, identifier, message, at
FROM numbered
WHERE number <= :limit
ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, count DESC, code, finding;

-- name: report_gaps
-- Runs of missing ids (DuckDB), the longest first: channel, first, last (numbers), ids (missing in it), runs (how many
-- there are in all). A run is of ids that follow each other in what the target names, none of them held.
-- Parameters: prefix, limit.
WITH placed AS (
        SELECT name, number, mark, row_number() OVER (PARTITION BY name ORDER BY number) AS place
        FROM report_ids WHERE prefix = $prefix AND mark IN ('=', '*', '+')),
     missing AS (
        SELECT name, number, place - row_number() OVER (PARTITION BY name ORDER BY number) AS run
        FROM placed WHERE mark = '+'),
     gaps AS (
        SELECT name, min(number) AS first, max(number) AS last, count(*) AS ids, count(*) OVER () AS runs
        FROM missing GROUP BY name, run)
SELECT text AS channel, first, last, ids, runs
FROM gaps JOIN names USING (name)
ORDER BY ids DESC, channel, first
LIMIT $limit;

-- name: report_ids
-- The ids of an audit as its report counts them (DuckDB, within the audit): name (of the channel, in names), prefix and
-- number (what an id that ends in a number is made of; NULL of others), mark, month of the datestamp, there or else
-- here ("2024-05"; NULL: neither side has one). Tombstones that the target no longer shows are left out.
CREATE OR REPLACE TEMP TABLE report_ids AS
SELECT name, CASE WHEN split.number <> '' THEN split.prefix END AS prefix, try_cast(split.number AS BIGINT) AS number,
       mark, strftime(coalesce(moment_there, moment_here), '%Y-%m') AS month
FROM (SELECT *, regexp_extract(identifier, '^(.*?)(\d{1,18})$', ['prefix', 'number']) AS split
      FROM every WHERE mark <> '~');

-- name: report_map
-- The map of gaps (DuckDB): one row a cell that has ids: cell (from 0), same, missing, extra, differs, untold.
-- Parameters: prefix, first (number at which cell 0 begins), width (numbers in a cell).
SELECT (number - $first) // $width AS cell,
       count(*) FILTER (mark = '=') AS same, count(*) FILTER (mark = '+') AS missing,
       count(*) FILTER (mark = '-') AS extra, count(*) FILTER (mark = '*') AS differs,
       count(*) FILTER (mark = '!') AS untold
FROM report_ids
WHERE prefix = $prefix
GROUP BY cell
ORDER BY cell;

-- name: report_months
-- Ids of an audit by the month of their datestamp, there or else here (DuckDB): month ("2024-05"; NULL: neither side has
-- one), same, missing, extra, differs, untold.
SELECT month,
       count(*) FILTER (mark = '=') AS same, count(*) FILTER (mark = '+') AS missing,
       count(*) FILTER (mark = '-') AS extra, count(*) FILTER (mark = '*') AS differs,
       count(*) FILTER (mark = '!') AS untold
FROM report_ids
GROUP BY month
ORDER BY month;

-- name: report_prefixes
-- What stands before the numbers of ids, the most common first (DuckDB): prefix, ids, first, last (numbers), and share
-- of all ids of the audit.
-- Parameters: limit.
SELECT prefix, count(*) AS ids, min(number) AS first, max(number) AS last,
       count(*) / (SELECT count(*) FROM report_ids) AS share
FROM report_ids
WHERE number IS NOT NULL
GROUP BY prefix
ORDER BY ids DESC, prefix
LIMIT $limit;

-- name: report_span
-- From when to when a run asked and waited (SQLite): first, last (UTC, seconds since 1970; NULL: it did neither).
-- Parameters: run.
SELECT min(moment) AS first, max(moment) AS last
FROM (SELECT CAST(strftime('%s', at) AS INTEGER) AS moment FROM requests WHERE run = :run
        AND (http_status IS NOT NULL OR reason IS NOT NULL)
      UNION ALL
      SELECT CAST(strftime('%s', began) AS INTEGER) FROM waits WHERE run = :run
      UNION ALL
      SELECT CAST(strftime('%s', began) + seconds AS INTEGER) FROM waits WHERE run = :run)
WHERE moment IS NOT NULL;

-- name: report_timeline
-- Requests of a run by time (SQLite): one row an interval that has any: slot (from 0), requests (each try), read
-- (requests that brought what was asked for), ids (outcomes).
-- Parameters: run, start (UTC, seconds since 1970), width (seconds of an interval).
SELECT (CAST(strftime('%s', at) AS INTEGER) - :start) / :width AS slot, sum(max(attempts, 1)) AS requests,
       count(*) FILTER (WHERE state = 'read') AS read, sum(coalesce(last_outcome - first_outcome + 1, 0)) AS ids
FROM requests
WHERE run = :run AND (http_status IS NOT NULL OR reason IS NOT NULL) AND strftime('%s', at) IS NOT NULL
GROUP BY slot
ORDER BY slot;

-- name: report_waits
-- Waits of a run (SQLite) in their order: began (UTC, seconds since 1970), seconds.
-- Parameters: run.
SELECT CAST(strftime('%s', began) AS INTEGER) AS began, seconds
FROM waits
WHERE run = :run AND strftime('%s', began) IS NOT NULL
ORDER BY wait;

-- name: standing_findings
-- Findings of each code and severity (SQLite), the worst first: code, severity, count, message of the first.
SELECT code, severity, count(*) AS count, message, min(finding) AS first
FROM findings
GROUP BY code, severity
ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, count(*) DESC, code;

-- name: standing_quarantine
-- Refused bodies: how many, bytes.
SELECT count(*), coalesce(sum(bytes), 0) FROM quarantine;

-- name: standing_runs
-- Runs of the ledger (SQLite) in their order: run, spider, mode, arguments, started, finished, state, newest (of those
-- asked for in the same words).
SELECT run, spider, mode, arguments, started, finished, state,
       run = max(run) OVER (PARTITION BY spider, mode, arguments) AS newest
FROM runs
ORDER BY run;

-- name: standing_shards
-- Shards as the ledger has them: name, state, records, frames, bytes, content_bytes.
SELECT name, state, records, frames, bytes, content_bytes FROM shards ORDER BY shard;

-- name: standing_windows
-- How many windows are in which state (SQLite): state, windows.
SELECT state, count(*) AS windows FROM windows GROUP BY state ORDER BY state;

-- name: window_of_request
-- The window of a request. Parameter: request.
SELECT window FROM requests WHERE request = ?;
