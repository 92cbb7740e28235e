-- Queries of archive.index, in alphabetical order. archive/queries.py reads this file.

-- name: account_cuts_fill
-- Fill account_cuts from what the index holds (DuckDB). `listed` counts distinct ids in all outcomes, the states count
-- last outcomes: two ways to the same number, and the table's constraint compares them.
INSERT INTO account_cuts
WITH asked AS (
        SELECT 'window' AS cut, o.run, coalesce(o.channel, '') AS channel, r."window"::VARCHAR AS value, identifier,
            o.state, outcome
        FROM outcomes AS o JOIN requests AS r USING (request)),
     harvested AS (
        SELECT coalesce(channel, '') AS channel, identifier, state, outcome,
            CASE WHEN regexp_matches(stamp, '^\d{4}-(0[1-9]|1[0-2])') THEN stamp[:4] END AS year
        FROM outcomes WHERE mode <> 'census'),
     years AS (
        SELECT channel, identifier, arg_max(year, outcome) FILTER (year IS NOT NULL) AS value
        FROM harvested GROUP BY ALL),
     held AS (SELECT DISTINCT identifier, unnest(sets) AS value FROM versions WHERE latest),
     sets AS (
        SELECT DISTINCT channel, identifier, held.value FROM harvested JOIN held USING (identifier)
        UNION
        SELECT channel, identifier, regexp_extract(channel, '^(?:oaipmh|census):[^:]+:(.+)$', 1) AS value
        FROM harvested WHERE value <> ''),
     placed AS (
        SELECT * FROM asked
        UNION ALL BY NAME
        SELECT 'year' AS cut, NULL AS run, channel, value, identifier, state, outcome
        FROM harvested JOIN years USING (channel, identifier)
        UNION ALL BY NAME
        SELECT 'set' AS cut, NULL AS run, channel, sets.value, identifier, state, outcome
        FROM harvested LEFT JOIN sets USING (channel, identifier)),
     listed AS (
        SELECT cut, run, channel, value, count(DISTINCT identifier) AS listed FROM placed GROUP BY ALL),
     ended AS (
        SELECT cut, run, channel, value, identifier, arg_max(state, outcome) AS state FROM placed GROUP BY ALL),
     counted AS (
        SELECT cut, run, channel, value,
            count(*) FILTER (state = 'read') AS "read", count(*) FILTER (state = 'deleted') AS deleted,
            count(*) FILTER (state = 'absent') AS absent, count(*) FILTER (state = 'moved') AS moved,
            count(*) FILTER (state = 'forbidden') AS forbidden, count(*) FILTER (state = 'refused') AS refused,
            count(*) FILTER (state = 'lost') AS lost, count(*) FILTER (state = 'open') AS "open"
        FROM ended GROUP BY ALL)
SELECT l.cut, l.run, l.channel, l.value, listed, "read", deleted, absent, moved, forbidden, refused, lost, "open"
FROM listed AS l JOIN counted AS c ON l.cut = c.cut AND l.channel = c.channel
    AND l.run IS NOT DISTINCT FROM c.run AND l.value IS NOT DISTINCT FROM c.value
ORDER BY ALL;

-- name: account_cuts_off
-- What is not the same in account_cuts and beside it (DuckDB, index): cut, run, channel, value, listed, counted.
-- Years part the ids of a channel, so that their sum is its account; a window that is closed says how many ids it has,
-- which is at most what its requests named, those of attempts that were given up included.
WITH years AS (
        SELECT channel, sum(listed) AS listed FROM account_cuts WHERE cut = 'year' GROUP BY channel)
SELECT 'year' AS cut, NULL AS run, channel, NULL AS value, a.listed, coalesce(years.listed, 0)::BIGINT AS counted
FROM account AS a LEFT JOIN years USING (channel)
WHERE a.run IS NULL AND channel IS NOT NULL AND a.listed <> counted
UNION ALL
SELECT 'window', w.run, w.channel, w."window"::VARCHAR, w.distinct_ids, coalesce(c.listed, 0) AS counted
FROM windows AS w
LEFT JOIN account_cuts AS c ON c.cut = 'window' AND c.run = w.run AND c.value = w."window"::VARCHAR
WHERE w.state <> 'open' AND w.distinct_ids > coalesce(c.listed, 0)
ORDER BY ALL;

-- name: account_cuts_tables
-- The account by window, year and set as a table of index.duckdb (DuckDB), empty; filled by account_cuts_fill.sql.
-- `cut` says by what; `value` is the number of the window, the year of the datestamp or the set, NULL where an id has
-- none. `run` is NULL after all harvests: windows are those of a run, years and sets stand after all of them.
-- Law 1 is a constraint: a row whose states do not make up what was listed cannot be in it.
CREATE TABLE account_cuts (
    cut VARCHAR NOT NULL CHECK (cut IN ('window', 'year', 'set')), run INTEGER, channel VARCHAR NOT NULL,
    value VARCHAR, listed BIGINT NOT NULL, "read" BIGINT NOT NULL, deleted BIGINT NOT NULL, absent BIGINT NOT NULL,
    moved BIGINT NOT NULL, forbidden BIGINT NOT NULL, refused BIGINT NOT NULL, lost BIGINT NOT NULL,
    "open" BIGINT NOT NULL,
    CHECK ((cut = 'window') = (run IS NOT NULL)),
    CHECK (listed = "read" + deleted + absent + moved + forbidden + refused + lost + "open"));

-- name: add_account
-- Add a row of the account, in the order of the columns.
INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_proof
-- Note what was read of a shard. Parameters: shard, name, records, hash_sum.
INSERT INTO proofs VALUES (?, ?, ?, ?);

-- name: add_run
-- Add the run that stands for a release, in the order of the columns.
INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_shard
-- Add a part of a release as a shard, in the order of the columns.
INSERT INTO shards VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: add_stamp
-- Note what the index was made of. Parameters: name, value.
INSERT INTO stamp VALUES (?, ?);

-- name: audit_add_run
-- Add a run of a ledger. Parameters: ledger, run, mode.
INSERT INTO runs VALUES (?, ?, ?);

-- name: audit_copy_outcomes
-- Outcomes of a ledger as CSV (SQLite): a thousand a row, as one text. Parameters: first, last (both included).
SELECT group_concat(outcome || ',' || request || ',"' || replace(identifier, '"', '""') || '","'
    || replace(coalesce(datestamp, ''), '"', '""') || '",' || state || ',' || (reason IS NOT 'not modified'), char(10))
FROM outcomes WHERE outcome BETWEEN :first AND :last GROUP BY outcome >> 10;

-- name: audit_copy_requests
-- Requests of a ledger as CSV (SQLite): a thousand a row, as one text. Parameters: first, last (both included).
SELECT group_concat(request || ',' || run || ',' || coalesce(channel, '') || ',' || coalesce("window", '') || ','
    || attempt, char(10))
FROM requests WHERE request BETWEEN :first AND :last GROUP BY request >> 10;

-- name: audit_copy_windows
-- Windows of a ledger as CSV (SQLite), one a row.
SELECT "window" || ',' || run || ',' || channel || ',"' || replace(coalesce(from_, ''), '"', '""') || '","'
    || replace(coalesce(until, ''), '"', '""') || '",' || state
FROM windows;

-- name: audit_load_outcomes
-- Outcomes from CSV, each on the side of its run; those of other runs are left out. Parameters: path, ledger.
INSERT INTO outcomes
SELECT r.side, o.outcome, o.request, r.name, o.identifier, moment_of(o.stamp), length(o.stamp) = 10,
    CASE WHEN moment_of(o.stamp) IS NULL THEN nullif(o.stamp, '') END, o.state, o.kept
FROM read_csv($path, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
    allow_quoted_nulls = false, max_line_size = 64000000,
    columns = {outcome: 'BIGINT', request: 'BIGINT', identifier: 'VARCHAR', stamp: 'VARCHAR', state: 'VARCHAR',
               kept: 'BOOLEAN'}) AS o
JOIN (SELECT request, side, name FROM requests WHERE ledger = $ledger) AS r USING (request);

-- name: audit_load_requests
-- Requests from CSV, each on the side of its run; those of other runs are left out. Parameters: path, ledger.
INSERT INTO requests
SELECT $ledger, runs.side, r.request, r.run, r.channel, c.name, r."window", r.attempt
FROM read_csv($path, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {request: 'BIGINT', run: 'BIGINT', channel: 'BIGINT', "window": 'BIGINT',
        attempt: 'BIGINT'}) AS r
JOIN (SELECT run, side FROM runs WHERE ledger = $ledger) AS runs USING (run)
JOIN (SELECT channel, name FROM channels WHERE ledger = $ledger) AS c USING (channel);

-- name: audit_load_windows
-- Windows of harvests from CSV. Parameters: path, ledger.
INSERT INTO windows
SELECT w."window", w.run, c.name, nullif(w.from_, ''), nullif(w.until, ''), w.state
FROM read_csv($path, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
    columns = {"window": 'BIGINT', run: 'BIGINT', channel: 'BIGINT', from_: 'VARCHAR', until: 'VARCHAR',
        state: 'VARCHAR'}) AS w
JOIN (SELECT channel, name FROM channels WHERE ledger = $ledger) AS c USING (channel);

-- name: audit_runs
-- The runs of a ledger (SQLite): run, mode, since (when it began, by the provider's clock where that is known), first,
-- last (its outcomes, NULL without any).
SELECT runs.run, mode, coalesce(provider_started, started) AS since, min(first_outcome) AS first,
       max(last_outcome) AS last
FROM runs LEFT JOIN requests AS r USING (run) GROUP BY runs.run ORDER BY runs.run;

-- name: census_runs
-- Runs that listed headers only.
SELECT run FROM runs WHERE mode = 'census';

-- name: check_first
-- The identifier of the first record of a shard that differs between two indexes, attached as `held` and `made`.
-- {table} is versions or repeats. Parameters: shard.
WITH found AS (SELECT outcome, identifier, hash(t) AS of_row FROM held.{table} AS t WHERE shard = $shard),
     expected AS (SELECT outcome, identifier, hash(t) AS of_row FROM made.{table} AS t WHERE shard = $shard)
SELECT coalesce(found.identifier, expected.identifier)
FROM found FULL JOIN expected USING (outcome)
WHERE found.of_row IS DISTINCT FROM expected.of_row
ORDER BY outcome
LIMIT 1;

-- name: check_shards
-- Shards whose rows differ between two indexes, attached as `held` and `made`: shard, found (in held), expected.
-- {table} is versions or repeats. Rows are compared by the sum of their hashes, whatever their order.
WITH found AS (SELECT shard, count(*) AS rows_, sum(hash(t)::HUGEINT) AS hashes FROM held.{table} AS t GROUP BY shard),
     expected AS (SELECT shard, count(*) AS rows_, sum(hash(t)::HUGEINT) AS hashes FROM made.{table} AS t GROUP BY shard)
SELECT shard, coalesce(found.rows_, 0) AS found, coalesce(expected.rows_, 0) AS expected
FROM found FULL JOIN expected USING (shard)
WHERE (found.rows_, found.hashes) IS DISTINCT FROM (expected.rows_, expected.hashes)
ORDER BY shard;

-- name: check_table
-- Whether a table is the same in two indexes, attached as `held` and `made`: rows and the sum of their hashes, of both.
-- {table} is its name.
SELECT (SELECT count(*) FROM held.{table}), (SELECT sum(hash(t)::HUGEINT) FROM held.{table} AS t),
       (SELECT count(*) FROM made.{table}), (SELECT sum(hash(t)::HUGEINT) FROM made.{table} AS t);

-- name: choose_outcomes
-- Parameter: outcomes.
INSERT INTO chosen SELECT unnest($outcomes);

-- name: create_chosen
-- Outcomes whose copies are decided on.
CREATE TEMP TABLE chosen (outcome BIGINT);

-- name: drop_proof
-- Forget what was read of a shard. Parameter: shard.
DELETE FROM proofs WHERE shard = ?;

-- name: drop_settled
-- Remove the tables of one decision.
DROP TABLE settled; DROP TABLE chosen; DROP TABLE repeated;

-- name: index_counts
-- How much an index holds: records, versions, harvested (every copy), outcomes, shards (with records).
SELECT (SELECT count(*) FROM versions WHERE latest) AS records, (SELECT count(*) FROM versions) AS versions,
       (SELECT coalesce(sum(records), 0)::BIGINT FROM proofs) AS harvested, (SELECT count(*) FROM outcomes) AS outcomes,
       (SELECT count(*) FROM proofs) AS shards;

-- name: index_drop
-- Remove from a copied index what is rebuilt in any case.
DROP INDEX IF EXISTS versions_by_identifier;
DELETE FROM account;
DELETE FROM stamp;
DELETE FROM account_cuts;

-- name: index_latest
-- Where the latest state of a record lies that has a version which came later: name (of its shard), offset (of its frame),
-- position.
SELECT s.name, f."offset", v.position
FROM versions AS v JOIN frames AS f USING (shard, frame) JOIN shards AS s USING (shard)
WHERE v.latest AND EXISTS (
    SELECT 1 FROM versions AS later
    WHERE later.identifier = v.identifier AND later.format = v.format AND later.outcome > v.outcome)
ORDER BY ALL;

-- name: index_lookups
-- What finds one record among millions at once; made last, as every change would have to keep it up.
CREATE INDEX versions_by_identifier ON versions (identifier);

-- name: index_places
-- Where each version lies, with what it is found by: identifier, local_id, doi (NULL without one), name (of its shard),
-- offset and bytes (of its frame), position.
SELECT v.identifier, v.local_id, v.doi, s.name, f."offset", f.bytes, v.position
FROM versions AS v JOIN frames AS f USING (shard, frame) JOIN shards AS s USING (shard);

-- name: index_shard_names
-- Names of the shards that hold records, in the order of their outcomes.
SELECT s.name
FROM shards AS s JOIN frames AS f USING (shard)
GROUP BY s.shard, s.name
ORDER BY min(f.first_outcome);

-- name: index_shards
-- What an index holds of each shard with records: shard, name, state, records, sha256, frame (the last), offset, bytes and
-- content_bytes (of that frame).
SELECT s.shard, s.name, s.state, s.records, s.sha256, f.frame, f."offset", f.bytes, f.content_bytes
FROM shards AS s
     JOIN (SELECT shard, max(frame) AS frame FROM frames GROUP BY shard) AS ends ON ends.shard = s.shard
     JOIN frames AS f ON f.shard = s.shard AND f.frame = ends.frame
WHERE s.records > 0
ORDER BY s.shard;

-- name: index_tables
-- The tables of index.duckdb, empty; its views are in index_views.sql. What people may rely on: docs/index.md.
-- DuckDB 2 reads `at` without quotes as the word for a time of travel, also in ORDER BY: `answered_at` is the same.
CREATE TABLE stamp (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE versions (
    identifier VARCHAR NOT NULL, format VARCHAR NOT NULL, datestamp TIMESTAMP, deleted BOOLEAN NOT NULL,
    sets VARCHAR[] NOT NULL, local_id VARCHAR NOT NULL, doi VARCHAR, title VARCHAR, resource_type VARCHAR,
    publication_year INTEGER, creators VARCHAR[] NOT NULL, license VARCHAR, url VARCHAR,
    retrieved TIMESTAMP, sha256 VARCHAR, metadata JSON USING COMPRESSION zstd, shard INTEGER NOT NULL,
    frame INTEGER NOT NULL, stamp VARCHAR NOT NULL, position INTEGER NOT NULL, run INTEGER, outcome BIGINT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1, latest BOOLEAN NOT NULL DEFAULT true, since TIMESTAMP, hash UBIGINT NOT NULL,
    stated_version VARCHAR, concept VARCHAR,
    all_identifiers STRUCT(scheme VARCHAR, "value" VARCHAR)[],
    all_creators STRUCT("name" VARCHAR, given VARCHAR, family VARCHAR, orcid VARCHAR, affiliations VARCHAR[])[],
    all_subjects STRUCT(subject VARCHAR, scheme VARCHAR, uri VARCHAR)[],
    all_relations STRUCT(relation_type VARCHAR, scheme VARCHAR, target VARCHAR)[],
    all_files STRUCT("key" VARCHAR, size BIGINT, checksum VARCHAR, url VARCHAR, media_type VARCHAR)[]);
CREATE TABLE repeats (
    identifier VARCHAR NOT NULL, format VARCHAR NOT NULL, outcome BIGINT NOT NULL, stamp VARCHAR NOT NULL,
    deleted BOOLEAN NOT NULL, sha256 VARCHAR, retrieved TIMESTAMP, run INTEGER, shard INTEGER NOT NULL,
    frame INTEGER NOT NULL, position INTEGER NOT NULL, hash UBIGINT NOT NULL, datestamp TIMESTAMP,
    sets VARCHAR[] NOT NULL);
CREATE TABLE proofs (
    shard INTEGER NOT NULL, name VARCHAR NOT NULL, records BIGINT NOT NULL, hash_sum UBIGINT NOT NULL);
CREATE TABLE runs (
    run INTEGER NOT NULL, spider VARCHAR NOT NULL, mode VARCHAR NOT NULL, arguments JSON NOT NULL,
    software JSON NOT NULL, started TIMESTAMP NOT NULL, provider_started VARCHAR, finished TIMESTAMP,
    state VARCHAR NOT NULL);
CREATE TABLE windows (
    "window" INTEGER NOT NULL, run INTEGER NOT NULL, channel VARCHAR NOT NULL, parent INTEGER, verb VARCHAR NOT NULL,
    from_ VARCHAR, until VARCHAR, state VARCHAR NOT NULL, "end" VARCHAR, listed BIGINT, distinct_ids BIGINT,
    stated BIGINT, pages INTEGER, attempts INTEGER NOT NULL, opened TIMESTAMP NOT NULL, closed TIMESTAMP);
CREATE TABLE requests (
    request BIGINT NOT NULL, run INTEGER NOT NULL, channel VARCHAR, "window" INTEGER, attempt INTEGER NOT NULL,
    url VARCHAR NOT NULL, state VARCHAR NOT NULL, http_status INTEGER, reason VARCHAR, attempts INTEGER NOT NULL,
    "at" TIMESTAMP NOT NULL,
    answered_at TIMESTAMP AS ("at"), listed BIGINT NOT NULL, first_outcome BIGINT, last_outcome BIGINT);
CREATE TABLE outcomes (
    run INTEGER NOT NULL, channel VARCHAR, identifier VARCHAR NOT NULL, request BIGINT NOT NULL,
    local_id VARCHAR NOT NULL, state VARCHAR NOT NULL, http_status INTEGER, reason VARCHAR, attempts INTEGER NOT NULL,
    "at" TIMESTAMP NOT NULL,
    answered_at TIMESTAMP AS ("at"), datestamp TIMESTAMP, stamp VARCHAR, outcome BIGINT NOT NULL, mode VARCHAR NOT NULL);
CREATE TABLE shards (
    shard INTEGER NOT NULL, name VARCHAR NOT NULL, run INTEGER NOT NULL, state VARCHAR NOT NULL,
    records BIGINT NOT NULL, frames BIGINT NOT NULL, bytes BIGINT NOT NULL, content_bytes BIGINT NOT NULL,
    sha256 VARCHAR);
CREATE TABLE frames (
    shard INTEGER NOT NULL, frame INTEGER NOT NULL, "offset" BIGINT NOT NULL, bytes BIGINT NOT NULL,
    content_bytes BIGINT NOT NULL, records BIGINT NOT NULL, first_outcome BIGINT NOT NULL,
    last_outcome BIGINT NOT NULL);
CREATE TABLE quarantine (
    quarantine INTEGER NOT NULL, request BIGINT NOT NULL, identifier VARCHAR, name VARCHAR NOT NULL,
    bytes BIGINT NOT NULL, sha256 VARCHAR NOT NULL);
CREATE TABLE findings (
    finding INTEGER NOT NULL, run INTEGER NOT NULL, code VARCHAR NOT NULL, severity VARCHAR NOT NULL, channel VARCHAR,
    "window" INTEGER, identifier VARCHAR, message VARCHAR NOT NULL, expected BIGINT, found BIGINT,
    "at" TIMESTAMP NOT NULL,
    answered_at TIMESTAMP AS ("at"));
CREATE TABLE waits (
    wait INTEGER NOT NULL, run INTEGER NOT NULL, host VARCHAR NOT NULL, began TIMESTAMP NOT NULL,
    seconds DOUBLE NOT NULL, reason VARCHAR NOT NULL);
CREATE TABLE download_rows (
    file BIGINT NOT NULL, run INTEGER NOT NULL, identifier VARCHAR NOT NULL, "key" VARCHAR NOT NULL,
    url VARCHAR NOT NULL, size BIGINT, checksum VARCHAR, media_type VARCHAR, version VARCHAR NOT NULL,
    state VARCHAR NOT NULL, reason VARCHAR, sha256 VARCHAR, bytes BIGINT, "at" TIMESTAMP NOT NULL,
    answered_at TIMESTAMP AS ("at"));
CREATE TABLE account (
    run INTEGER, channel VARCHAR, listed BIGINT NOT NULL, "read" BIGINT NOT NULL, deleted BIGINT NOT NULL,
    absent BIGINT NOT NULL, moved BIGINT NOT NULL, forbidden BIGINT NOT NULL, refused BIGINT NOT NULL,
    lost BIGINT NOT NULL, "open" BIGINT NOT NULL, balanced BOOLEAN NOT NULL);

-- name: index_views
-- The views and macros of index.duckdb. What people may rely on: docs/index.md.
CREATE VIEW records AS
    SELECT identifier, format, datestamp, deleted, sets, local_id, doi, title, resource_type, publication_year,
           creators, license, url, retrieved, sha256, metadata, shard, frame, stamp, position, stated_version, concept
    FROM versions WHERE latest;
CREATE VIEW identifiers AS
    SELECT identifier, format, generate_subscripts(all_identifiers, 1) AS position,
           unnest(all_identifiers, recursive := true)
    FROM versions WHERE latest;
CREATE VIEW creators AS
    SELECT identifier, format, generate_subscripts(all_creators, 1) AS position,
           unnest(all_creators, max_depth := 2)
    FROM versions WHERE latest;
CREATE VIEW subjects AS
    SELECT identifier, format, generate_subscripts(all_subjects, 1) AS position,
           unnest(all_subjects, recursive := true)
    FROM versions WHERE latest;
CREATE VIEW relations AS
    SELECT identifier, format, generate_subscripts(all_relations, 1) AS position,
           unnest(all_relations, recursive := true)
    FROM versions WHERE latest;
CREATE VIEW files AS
    SELECT identifier, format, generate_subscripts(all_files, 1) AS position, unnest(all_files, recursive := true)
    FROM versions WHERE latest;
CREATE VIEW downloads AS
    SELECT identifier, "key", state, reason, size, checksum, media_type, bytes, sha256,
           'files/' || sha256[:2] || '/' || sha256[3:4] || '/' || sha256 AS path, url, version, run, "at",
           answered_at, file
    FROM download_rows
    QUALIFY row_number() OVER (PARTITION BY identifier, "key" ORDER BY file DESC) = 1;
CREATE VIEW tombstones AS
    WITH live AS (
        SELECT identifier, format, arg_max(doi, version) AS doi, arg_max(title, version) AS title,
               max(datestamp) AS last_live
        FROM versions WHERE NOT deleted GROUP BY identifier, format)
    SELECT v.identifier, v.format, v.datestamp, v.stamp, v.sets, v.local_id, v.since, v.retrieved, v.url, live.doi,
           live.title, live.last_live
    FROM versions AS v LEFT JOIN live USING (identifier, format)
    WHERE v.latest AND v.deleted;
CREATE VIEW census AS
    WITH chosen AS (
            SELECT channel, arg_max(run, (runs.state IN ('complete', 'findings'), run)) AS run
            FROM (SELECT DISTINCT channel, run FROM outcomes WHERE mode = 'census') JOIN runs USING (run)
            GROUP BY channel)
    SELECT any_value(runs.arguments ->> '$.url') AS target, identifier, arg_max(datestamp, place) AS datestamp,
           arg_max(outcomes.state, place) = 'deleted' AS deleted, channel, run, arg_max(stamp, place) AS stamp
    FROM (SELECT *, {moment: coalesce(datestamp, '-infinity'::TIMESTAMP), live: state = 'read', outcome: outcome} AS place FROM outcomes)
         AS outcomes JOIN chosen USING (channel, run) JOIN runs USING (run)
    WHERE outcomes.state IN ('read', 'deleted')
    GROUP BY channel, run, identifier;
-- The records as they were held at a time: of each the version that was the latest then.
CREATE MACRO records_as_of(moment) AS TABLE
    SELECT identifier, format, datestamp, deleted, sets, local_id, doi, title, resource_type, publication_year,
           creators, license, url, retrieved, sha256, metadata, shard, frame, stamp, position, stated_version, concept
    FROM versions
    WHERE since <= moment::TIMESTAMP
    QUALIFY row_number() OVER (PARTITION BY identifier, format ORDER BY version DESC) = 1;

-- name: load_download_rows
-- Rows of the ledger about files, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO download_rows BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {file: 'BIGINT', run: 'INTEGER', identifier: 'VARCHAR', "key": 'VARCHAR', url: 'VARCHAR', size: 'BIGINT',
        checksum: 'VARCHAR', media_type: 'VARCHAR', version: 'VARCHAR', state: 'VARCHAR', reason: 'VARCHAR',
        sha256: 'VARCHAR', bytes: 'BIGINT', "at": 'TIMESTAMP'});

-- name: load_findings
-- Findings of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO findings BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {finding: 'INTEGER', run: 'INTEGER', code: 'VARCHAR', severity: 'VARCHAR', channel: 'VARCHAR',
        "window": 'INTEGER', identifier: 'VARCHAR', message: 'VARCHAR', expected: 'BIGINT', found: 'BIGINT',
        "at": 'TIMESTAMP'});

-- name: load_frames
-- Frames of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO frames BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {shard: 'INTEGER', frame: 'INTEGER', "offset": 'BIGINT', bytes: 'BIGINT', content_bytes: 'BIGINT',
        records: 'BIGINT', first_outcome: 'BIGINT', last_outcome: 'BIGINT'});

-- name: load_outcomes
-- Outcomes of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO outcomes BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {run: 'INTEGER', channel: 'VARCHAR', identifier: 'VARCHAR', request: 'BIGINT', local_id: 'VARCHAR',
        state: 'VARCHAR', http_status: 'INTEGER', reason: 'VARCHAR', attempts: 'INTEGER', "at": 'TIMESTAMP',
        datestamp: 'TIMESTAMP', stamp: 'VARCHAR', outcome: 'BIGINT', mode: 'VARCHAR'});

-- name: load_quarantine
-- Refused bodies that the ledger names, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO quarantine BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {quarantine: 'INTEGER', request: 'BIGINT', identifier: 'VARCHAR', name: 'VARCHAR', bytes: 'BIGINT',
        sha256: 'VARCHAR'});

-- name: load_requests
-- Requests of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO requests BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {request: 'BIGINT', run: 'INTEGER', channel: 'VARCHAR', "window": 'INTEGER', attempt: 'INTEGER',
        url: 'VARCHAR', state: 'VARCHAR', http_status: 'INTEGER', reason: 'VARCHAR', attempts: 'INTEGER',
        "at": 'TIMESTAMP', listed: 'BIGINT', first_outcome: 'BIGINT', last_outcome: 'BIGINT'});

-- name: load_runs
-- Runs of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO runs BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {run: 'INTEGER', spider: 'VARCHAR', mode: 'VARCHAR', arguments: 'VARCHAR', software: 'VARCHAR',
        started: 'TIMESTAMP', provider_started: 'VARCHAR', finished: 'TIMESTAMP', state: 'VARCHAR'});

-- name: load_shards
-- Shards of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO shards BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {shard: 'INTEGER', name: 'VARCHAR', run: 'INTEGER', state: 'VARCHAR', records: 'BIGINT',
        frames: 'BIGINT', bytes: 'BIGINT', content_bytes: 'BIGINT', sha256: 'VARCHAR'});

-- name: load_versions
-- Records read from shards, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO versions BY NAME
SELECT *, list_transform(all_creators, lambda creator: creator."name") AS creators, retrieved AS since
FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {identifier: 'VARCHAR', format: 'VARCHAR', datestamp: 'TIMESTAMP', deleted: 'BOOLEAN',
        sets: 'VARCHAR[]', local_id: 'VARCHAR', doi: 'VARCHAR', title: 'VARCHAR', resource_type: 'VARCHAR',
        publication_year: 'INTEGER', license: 'VARCHAR', url: 'VARCHAR', retrieved: 'TIMESTAMP', sha256: 'VARCHAR',
        metadata: 'JSON', shard: 'INTEGER', frame: 'INTEGER', stamp: 'VARCHAR', position: 'INTEGER', run: 'INTEGER',
        outcome: 'BIGINT', hash: 'UBIGINT', stated_version: 'VARCHAR', concept: 'VARCHAR',
        all_identifiers: 'STRUCT(scheme VARCHAR, "value" VARCHAR)[]',
        all_creators: 'STRUCT("name" VARCHAR, given VARCHAR, family VARCHAR, orcid VARCHAR, affiliations VARCHAR[])[]',
        all_subjects: 'STRUCT(subject VARCHAR, scheme VARCHAR, uri VARCHAR)[]',
        all_relations: 'STRUCT(relation_type VARCHAR, scheme VARCHAR, target VARCHAR)[]',
        all_files: 'STRUCT("key" VARCHAR, size BIGINT, checksum VARCHAR, url VARCHAR, media_type VARCHAR)[]'});

-- name: load_waits
-- Waits of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO waits BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {wait: 'INTEGER', run: 'INTEGER', host: 'VARCHAR', began: 'TIMESTAMP', seconds: 'DOUBLE',
        reason: 'VARCHAR'});

-- name: load_windows
-- Windows of the ledger, from a spill file of one JSON object a line into the index.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO windows BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {"window": 'INTEGER', run: 'INTEGER', channel: 'VARCHAR', parent: 'INTEGER', verb: 'VARCHAR',
        from_: 'VARCHAR', until: 'VARCHAR', state: 'VARCHAR', "end": 'VARCHAR', listed: 'BIGINT',
        distinct_ids: 'BIGINT', stated: 'BIGINT', pages: 'INTEGER', attempts: 'INTEGER', opened: 'TIMESTAMP',
        closed: 'TIMESTAMP'});

-- name: open_runs
-- Runs that are not finished.
SELECT run FROM runs WHERE state IN ('open', 'unfinished');

-- name: outcome_as_indexed
-- An outcome, to see whether a ledger still begins as the index does: identifier, request, state. Parameter: outcome.
SELECT identifier, request, state FROM outcomes WHERE outcome = ?;

-- name: parquet_records
-- Records (or versions: {table}) without what has tables of its own; month is the one in which the version came.
SELECT v.* EXCLUDE (all_identifiers, all_creators, all_subjects, all_relations, all_files),
       strftime(coalesce(v.since, v.retrieved), '%Y-%m') AS month
FROM versions AS v
WHERE v.latest OR '{table}' = 'versions'

-- name: part_stays
-- One row if a part of a list stays beside the whole.
SELECT 1 FROM settled WHERE stays AND NOT whole LIMIT 1;

-- name: proofs
-- What was read of each shard: shard, name, records, hash_sum.
SELECT * FROM proofs;

-- name: proofs_off
-- Shards whose records in the index are not those that were read from them: shard, name, records and hash_sum (as read),
-- found and found_sum (in the index), counted (by the ledger). None when the index is what it was made of.
WITH held AS (
        SELECT shard, count(*) AS found, (sum(hash::HUGEINT) % 18446744073709551616)::UBIGINT AS found_sum
        FROM (SELECT shard, hash FROM versions UNION ALL SELECT shard, hash FROM repeats)
        GROUP BY shard),
     counted AS (SELECT shard, records AS counted FROM shards WHERE records > 0)
SELECT shard, name, records, hash_sum, found, found_sum, counted
FROM proofs FULL JOIN held USING (shard) FULL JOIN counted USING (shard)
WHERE (records, hash_sum, counted) IS DISTINCT FROM (found, found_sum, found)
ORDER BY shard;

-- name: release_frames
-- Frames of a release in their order: part, frame, length (in the part), records.
-- Parameters: path (of its index.parquet).
SELECT part, frame, any_value(length) AS length, count(*) AS records
FROM read_parquet($path)
GROUP BY part, frame
ORDER BY part, frame;

-- name: release_views
-- What can be asked of a release without an index of it: its index.parquet, with the names that an index has.
-- {path} is where it is.
CREATE VIEW records AS
    SELECT identifier, format, try_cast(datestamp AS TIMESTAMP) AS datestamp, deleted, datestamp AS stamp, part, frame,
           "offset", length, position, sha256
    FROM read_parquet('{path}');

-- name: settle_doubtful
-- Records in `repeated` whose last copy may not be their latest state: outcomes and contents (lists, of all their copies;
-- a content is text as archive.store.versions.content_of makes it, without what an index does not have).
-- A copy surely gives way to the last one where that is newer, or a later look at the same list that is not older, or the
-- same; the rule itself is in archive/store/versions.py.
-- Parameters: in_turn (whether the runs came one after the other).
WITH copies AS (
        SELECT v.format, v.identifier, v.outcome, v.run, o.channel, v.datestamp, length(trim(v.stamp)) = 10 AS day, v.stamp,
               v.deleted, v.sha256, list_sort(v.sets) AS sets
        FROM (SELECT format, identifier, outcome, run, datestamp, stamp, deleted, sha256, sets FROM versions
              UNION ALL BY NAME
              SELECT format, identifier, outcome, run, datestamp, stamp, deleted, sha256, sets FROM repeats) AS v
             SEMI JOIN repeated USING (format, identifier)
             LEFT JOIN outcomes AS o USING (outcome)),
     compared AS (
        SELECT *, last_value({run: run, channel: channel, datestamp: datestamp, stamp: stamp, deleted: deleted,
                              sha256: sha256, sets: sets, outcome: outcome}) OVER story AS last
        FROM copies
        WINDOW story AS (PARTITION BY format, identifier ORDER BY outcome
                         ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))
SELECT list(outcome ORDER BY outcome) AS outcomes,
       list(coalesce(sha256, '') || chr(10) || array_to_string(list_append(sets, ''), chr(10)) ORDER BY outcome) AS contents
FROM compared
GROUP BY format, identifier
HAVING NOT $in_turn OR count(DISTINCT day) > 1
    OR bool_or(outcome <> last.outcome AND NOT coalesce(
        datestamp < last.datestamp
        OR (run < last.run AND channel = last.channel
            AND (datestamp <= last.datestamp OR (datestamp IS NULL AND last.datestamp IS NULL)))
        OR ((stamp, deleted, sha256, sets) IS NOT DISTINCT FROM (last.stamp, last.deleted, last.sha256, last.sets)),
        false));

-- name: settle_repeated
-- Records that have more copies than one, and of which one was read now or is of a run that has ended since: a temporary
-- table `repeated` of format, identifier.
-- Parameters: after (outcomes behind this one were read now), shards (a list; all of these were read now), runs (a list of
-- those that had not ended when the index was last renewed).
CREATE TEMP TABLE repeated AS
    WITH fresh AS (
            SELECT format, identifier FROM versions
            WHERE outcome > $after OR list_contains($shards, shard) OR list_contains($runs, run)
            UNION
            SELECT format, identifier FROM repeats WHERE list_contains($runs, run)),
         copies AS (SELECT format, identifier FROM versions UNION ALL SELECT format, identifier FROM repeats)
    SELECT format, identifier
    FROM copies SEMI JOIN fresh USING (format, identifier)
    GROUP BY format, identifier
    HAVING count(*) > 1;

-- name: settle_versions
-- Say of each record in `repeated` which of its copies are versions, and which is the latest: that with the highest
-- outcome, unless `chosen` has another one, which then has the last version number. One harvested again with the
-- same bytes is no new version: the last copy of it stays, what is known of the others goes to `repeats`. Temporary
-- table `settled`: outcome, whole (its record is in `versions`), version, since, stays, latest.
CREATE TEMP TABLE settled AS
    WITH copies AS (
            SELECT format, identifier, outcome, stamp, deleted, sha256, retrieved, true AS whole, c.outcome IS NOT NULL AS won
            FROM versions SEMI JOIN repeated USING (format, identifier) LEFT JOIN chosen AS c USING (outcome)
            UNION ALL
            SELECT format, identifier, outcome, stamp, deleted, sha256, retrieved, false, c.outcome IS NOT NULL
            FROM repeats SEMI JOIN repeated USING (format, identifier) LEFT JOIN chosen AS c USING (outcome)),
         compared AS (
            SELECT format, identifier, outcome, retrieved, whole, won,
                   (stamp, deleted, sha256) IS DISTINCT FROM lag((stamp, deleted, sha256)) OVER story AS is_new
            FROM copies
            WINDOW story AS (PARTITION BY format, identifier ORDER BY won, outcome)),
         counted AS (
            SELECT format, identifier, outcome, retrieved, whole, won,
                   count(*) FILTER (is_new) OVER (PARTITION BY format, identifier ORDER BY won, outcome) AS version
            FROM compared)
    SELECT outcome, whole, version, min(retrieved) OVER (PARTITION BY format, identifier, version) AS since,
           row_number() OVER (PARTITION BY format, identifier, version ORDER BY won DESC, outcome DESC) = 1 AS stays,
           row_number() OVER (PARTITION BY format, identifier ORDER BY won DESC, outcome DESC) = 1 AS latest
    FROM counted;
INSERT INTO repeats BY NAME
    SELECT identifier, format, outcome, stamp, deleted, sha256, retrieved, run, shard, frame, position, hash,
           datestamp, sets
    FROM versions SEMI JOIN (SELECT outcome FROM settled WHERE whole AND NOT stays) USING (outcome);
DELETE FROM versions WHERE outcome IN (SELECT outcome FROM settled WHERE whole AND NOT stays);
UPDATE versions SET version = s.version, latest = s.latest, since = s.since
    FROM settled AS s
    WHERE versions.outcome = s.outcome AND s.stays
      AND (versions.version, versions.latest, versions.since) IS DISTINCT FROM (s.version, s.latest, s.since);

-- name: shard_records
-- Records straight out of shards, or out of the parts of a release, without an index: one row a record, in any DuckDB.
--     SELECT identifier, metadata ->> '$.title' FROM shard_records('shards/*.json-seq.zst');
-- A shard that is cut short reads as a shorter one, and nothing is checked: `harvester verify` does that. `longest` is the
-- length of the longest record in bytes; memory grows with it.
CREATE OR REPLACE MACRO shard_records(path, longest := 16777216) AS TABLE
    SELECT r.identifier, r.datestamp, r.deleted, r.sets, r.format, r.media_type, r.url, r.retrieved, r.sha256,
           r.metadata, r.original, r.encoding, r.about
    FROM (
        SELECT from_json(text, '{"identifier": "VARCHAR", "datestamp": "VARCHAR", "deleted": "BOOLEAN",
            "sets": ["VARCHAR"], "format": "VARCHAR", "media_type": "VARCHAR", "url": "VARCHAR",
            "retrieved": "VARCHAR", "sha256": "VARCHAR", "metadata": "JSON", "original": "VARCHAR",
            "encoding": "VARCHAR", "about": ["VARCHAR"]}') AS r
        FROM read_csv(path, delim = chr(30), quote = '', escape = '', header = false, auto_detect = false,
            max_line_size = longest, buffer_size = 4 * longest, columns = {'before': 'VARCHAR', 'text': 'VARCHAR'}));

-- name: stamp
-- What an index was made of: name, value.
SELECT name, value FROM stamp;
