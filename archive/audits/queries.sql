-- Queries of archive.audits, in alphabetical order. archive/queries.py reads this file.

-- name: audit_about
-- What is known of items, one row an id as it is compared; the archive's word counts before that of its target.
CREATE TABLE about AS
SELECT compared_as(identifier) AS identifier, arg_min(year, side) AS year, arg_min(type, side) AS type,
    arg_min(sets, side) AS sets
FROM items GROUP BY compared_as(identifier);

-- name: audit_add_channel
-- Add a channel of a ledger. Parameters: ledger, channel, set_spec.
INSERT INTO channels VALUES (?, ?, ?);

-- name: audit_add_name
-- Add a name that is compared. Parameters: number, name, side.
INSERT INTO names VALUES (?, ?, ?, NULL);

-- name: audit_by_set
-- Marks by set: group, mark, ids. An id in several sets counts in each of them.
SELECT CASE WHEN sets = [] THEN 'no set' ELSE coalesce(one, set_spec, 'not known') END AS "group", mark, count(*) AS ids
FROM every JOIN names USING (name) LEFT JOIN about USING (identifier)
LEFT JOIN (SELECT identifier, unnest(sets) AS one FROM about) AS each USING (identifier)
GROUP BY ALL ORDER BY ALL;

-- name: audit_by_type
-- Marks by resource type: group, mark, ids.
SELECT coalesce(nullif(type, ''), 'not known') AS "group", mark, count(*) AS ids
FROM every LEFT JOIN about USING (identifier) GROUP BY ALL ORDER BY ALL;

-- name: audit_by_window
-- Marks by the window of the ledger that an id was last asked for in; of one that no window has, by that of the last
-- harvest into which its datestamp there falls: group, mark, ids.
WITH last AS (SELECT name, max(run) AS run FROM windows GROUP BY name),
     of_time AS (
        SELECT name, "window", coalesce(moment_of(from_), TIMESTAMP '0001-01-01') AS since,
            coalesce(moment_of(until), TIMESTAMP '9999-01-01') AS until
        FROM windows SEMI JOIN last USING (name, run)
        WHERE state <> 'split' AND (from_ IS NULL OR moment_of(from_) IS NOT NULL)),
     placed AS (
        SELECT e.name, e.mark, coalesce(r."window",
            CASE WHEN e.moment_there < t.until + INTERVAL 1 DAY THEN t."window" END)
            AS "window"
        FROM (SELECT * FROM every) AS e
        LEFT JOIN (SELECT request, "window" FROM requests WHERE side = 0) AS r USING (request)
        ASOF LEFT JOIN of_time AS t ON t.name = e.name AND e.moment_there >= t.since)
SELECT coalesce('window ' || "window" || ': ' || coalesce(w.from_, '') || '..' || coalesce(w.until, ''), 'no window')
    AS "group", mark, count(*) AS ids
FROM placed LEFT JOIN windows AS w USING ("window")
GROUP BY "group", mark, "window" ORDER BY "window" NULLS LAST, mark;

-- name: audit_by_year
-- Marks by year of publication: group, mark, ids.
SELECT coalesce(year::VARCHAR, 'not known') AS "group", mark, count(*) AS ids
FROM every LEFT JOIN about USING (identifier) GROUP BY ALL ORDER BY ALL;

-- name: audit_channels
-- The channels of a ledger (SQLite): channel, name, format, set_spec, since (when the last run in it that was no census
-- began, by the provider's clock where that is known; NULL without any).
SELECT c.channel, c.name, c.format, c.set_spec,
       (SELECT max(coalesce(runs.provider_started, runs.started)) FROM windows AS w JOIN runs USING (run)
        WHERE w.channel = c.channel AND runs.mode <> 'census') AS since
FROM channels AS c ORDER BY c.channel;

-- name: audit_choose
-- Choose the outcome that counts for an id. Parameters: number, outcome.
INSERT INTO chosen VALUES (?, ?);

-- name: audit_compare
-- All classes but that of the same, in one pass over a part of both sides.
INSERT INTO compared
SELECT name, identifier, mark, state, request, moment_there, day_there, odd_there, deleted_there, moment_here, day_here,
    odd_here, deleted_here, NULL
FROM paired WHERE mark <> '=';

-- name: audit_counts
-- Ids by mark and reason, the same ones left out. One row a channel, mark and reason: channel, mark, reason, ids.
SELECT channel, mark, reason, count(*) AS ids FROM marked GROUP BY ALL ORDER BY ALL;

-- name: audit_differences
-- Every id that is not the same on both sides, in order: channel, mark, identifier, reason, datestamp_there,
-- datestamp_here, deleted_there, deleted_here.
SELECT channel, mark, identifier, reason, datestamp_there, datestamp_here, deleted_there, deleted_here
FROM marked WHERE mark <> '~' ORDER BY identifier, channel;

-- name: audit_digests
-- Ids that are the same but for what they hold: the SHA-256 of what was sent is known of both sides, and none of the
-- archive's (one a form) is that of the target. Those of another archive are of the same format, those of a list of any.
INSERT INTO compared
WITH there AS (
        SELECT format, compared_as(identifier) AS identifier, sha256 FROM items WHERE side = 1
        UNION ALL
        SELECT NULL, compared_as(identifier), arg_max(digest, place) FROM wanted GROUP BY ALL),
     differing AS (
        SELECT there.format, identifier
        FROM (SELECT format, compared_as(identifier) AS identifier, sha256 FROM items WHERE side = 0) AS here
        JOIN there USING (identifier)
        WHERE here.sha256 IS NOT NULL AND there.sha256 IS NOT NULL AND coalesce(there.format = here.format, true)
        GROUP BY there.format, identifier
        HAVING bool_and(here.sha256 <> there.sha256))
SELECT p.name, p.identifier, '*', p.state, p.request, p.moment_there, p.day_there, p.odd_there, p.deleted_there,
    p.moment_here, p.day_here, p.odd_here, p.deleted_here, 'content differs'
FROM paired AS p JOIN names USING (name)
SEMI JOIN differing AS d
    ON d.identifier = p.identifier
    AND (d.format IS NULL OR names.text = d.format OR starts_with(names.text, d.format || ':'))
WHERE p.mark = '=';

-- name: audit_doubtful
-- Ids of a ledger whose last copy may not be their latest state, by side: ledger, side, outcomes (a list of all copies).
-- See settle_doubtful.sql. Parameters: in_turn (whether the runs came one after the other).
WITH copies AS (
        SELECT o.side, r.ledger, o.name, compared_as(o.identifier) AS identifier, o.outcome, o.moment, o.day, o.odd, o.state,
               r.run, r.channel
        FROM outcomes AS o JOIN requests AS r ON r.side = o.side AND r.request = o.request
             SEMI JOIN several AS s
             ON s.side = o.side AND s.name = o.name AND s.identifier = compared_as(o.identifier)
        WHERE o.kept AND o.state IN ('read', 'deleted')),
     compared AS (
        SELECT *, last_value({run: run, channel: channel, moment: moment, odd: odd, state: state, outcome: outcome})
                  OVER (PARTITION BY side, ledger, name, identifier ORDER BY outcome
                        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last
        FROM copies)
SELECT ledger, side, list(outcome ORDER BY outcome) AS outcomes
FROM compared
GROUP BY ledger, side, name, identifier
HAVING count(*) > 1
   AND (NOT $in_turn OR count(DISTINCT day) > 1
        OR bool_or(outcome <> last.outcome AND NOT coalesce(
            moment < last.moment
            OR (run < last.run AND channel = last.channel
                AND (moment <= last.moment OR (moment IS NULL AND last.moment IS NULL)))
            OR ((moment, odd, state) IS NOT DISTINCT FROM (last.moment, last.odd, last.state)),
            false)));

-- name: audit_doubts
-- Why the list of a census may not be all (SQLite): code, severity, message, identifier, expected, found.
-- Parameters: run.
SELECT code, severity, message, identifier, expected, found
FROM findings
WHERE run = :run AND severity <> 'info' AND code IN ('list-size-differs', 'window-unproven', 'search-window-overflow')
ORDER BY finding;

-- name: audit_duplicates
-- Ids that are there more than once: side (0 here, 1 there), channel, identifier, times. Parameters: limit.
SELECT side, text AS channel, identifier, times FROM twice JOIN names USING (name)
ORDER BY side, identifier, channel LIMIT $limit;

-- name: audit_every
-- Every id with its mark once the two sides are compared.
CREATE VIEW every AS
SELECT name, identifier, mark, request, moment_there, day_there, odd_there, deleted_there, moment_here, day_here,
    odd_here, deleted_here
FROM compared
UNION ALL
SELECT name, identifier, mark, request, moment_there, day_there, odd_there, deleted_there, moment_here, day_here,
    odd_here, deleted_here
FROM (SELECT * FROM paired WHERE mark = '=')
    ANTI JOIN (SELECT name, identifier FROM compared WHERE why IS NOT NULL) USING (name, identifier);

-- name: audit_first
-- Some ids of one mark, with both sides. Parameters: mark, limit.
SELECT channel, identifier, reason, datestamp_there, datestamp_here, deleted_there, deleted_here
FROM marked WHERE mark = $mark ORDER BY channel, identifier LIMIT $limit;

-- name: audit_gaps
-- The missing ids, each once, in order.
SELECT DISTINCT identifier FROM compared WHERE mark = '+' ORDER BY identifier;

-- name: audit_has_sets
-- One row if a channel harvests one set.
SELECT 1 FROM channels WHERE set_spec IS NOT NULL LIMIT 1;

-- name: audit_has_years
-- 1 if records of this audit have years and types, else 0.
SELECT count(*) FROM duckdb_tables() WHERE table_name = 'about';

-- name: audit_items
-- What an index (attached as known) says of the records. Parameters: side.
INSERT INTO items
SELECT $side, format, identifier, publication_year, resource_type, sets, sha256 FROM known.versions WHERE latest;

-- name: audit_kinds
-- Which kinds of datestamps there are, one row: days (some name no time of day), odds (some are no time).
SELECT bool_or(day) AS days, bool_or(odd) AS odds
FROM (SELECT coalesce(bool_or(day), false) AS day, count(odd) > 0 AS odd FROM outcomes
      UNION ALL SELECT coalesce(bool_or(day), false), count(odd) > 0 FROM wanted);

-- name: audit_lines
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

-- name: audit_load_ids
-- Ids of a list from CSV. Parameters: path, name.
INSERT INTO wanted
SELECT $name, identifier, moment_of(stamp), length(stamp) = 10,
    CASE WHEN moment_of(stamp) IS NULL THEN nullif(stamp, '') END, deleted, nullif(digest, ''), place
FROM read_csv($path, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
    allow_quoted_nulls = false, max_line_size = 64000000,
    columns = {identifier: 'VARCHAR', stamp: 'VARCHAR', deleted: 'BOOLEAN', digest: 'VARCHAR', place: 'BIGINT'});

-- name: audit_load_parquet
-- Ids of a Parquet file. Parameters: path, name; true_words, gone_states; id_column, stamp_column, deleted_column,
-- status_column, removed_column, digest_column: what its columns are called, "none of these" where there is none.
INSERT INTO wanted
SELECT $name, trim(identifier, ' ' || chr(9) || chr(10) || chr(13)), moment_of(stamp), length(stamp) = 10,
    CASE WHEN moment_of(stamp) IS NULL THEN nullif(stamp, '') END,
    coalesce(list_contains($true_words, lower(trim(nullif(deleted, '')))),
        list_contains($gone_states, lower(trim(nullif(status, '')))),
        CASE WHEN trim(removed) <> '' THEN true END),
    lower(nullif(digest, '')), file_row_number
FROM (
    SELECT COLUMNS(lambda name: name = $id_column)::VARCHAR AS identifier,
        COLUMNS(lambda name: name = $stamp_column)::VARCHAR AS stamp,
        COLUMNS(lambda name: name = $deleted_column)::VARCHAR AS deleted,
        COLUMNS(lambda name: name = $status_column)::VARCHAR AS status,
        COLUMNS(lambda name: name = $removed_column)::VARCHAR AS removed,
        COLUMNS(lambda name: name = $digest_column)::VARCHAR AS digest, file_row_number
    FROM (SELECT *, NULL AS "none of these" FROM read_parquet($path, file_row_number = true)));

-- name: audit_load_release
-- The records and tombstones of a release, by their formats. Parameters: path (of its index).
INSERT INTO wanted
SELECT name, identifier, moment_of(datestamp), length(datestamp) = 10,
    CASE WHEN moment_of(datestamp) IS NULL THEN nullif(datestamp, '') END, deleted, NULL, file_row_number
FROM read_parquet($path, file_row_number = true) JOIN names ON names.text = format;

-- name: audit_lost_windows
-- How many windows of the last harvest could not be had, or not yet (SQLite): one number.
SELECT count(*) FROM windows
WHERE state IN ('lost', 'open') AND run = (SELECT max(run) FROM runs WHERE mode <> 'census');

-- name: audit_marked
-- What is not the same, with its reason. Of a missing id: the state that it ended in here, or deleted (a tombstone
-- there), changed since (the last harvest), never listed. Of one that differs: on which side it is newer or deleted.
CREATE VIEW marked AS
SELECT names.text AS channel, c.*,
    CASE mark
        WHEN '+' THEN CASE
            WHEN state IN ('refused', 'lost', 'open', 'forbidden') THEN state::VARCHAR
            WHEN deleted_there THEN 'deleted'
            WHEN moment_there >= CASE WHEN day_there THEN date_trunc('day', since) ELSE since END THEN 'changed since'
            WHEN state IS NOT NULL THEN state::VARCHAR
            ELSE 'never listed' END
        WHEN '*' THEN CASE
            WHEN why IS NOT NULL THEN why
            WHEN deleted_there AND NOT deleted_here THEN 'deleted there'
            WHEN deleted_here AND NOT deleted_there THEN 'live there'
            WHEN moment_there > moment_here THEN 'newer there'
            WHEN moment_there < moment_here THEN 'older there'
            ELSE 'datestamp differs' END END AS reason,
    stamp_text(moment_there, day_there, odd_there) AS datestamp_there,
    stamp_text(moment_here, day_here, odd_here) AS datestamp_here
FROM compared AS c JOIN names USING (name);

-- name: audit_name_since
-- Narrow a name to what changed since a moment. Parameters: since, name.
UPDATE names SET since = greatest(since, moment_of($since)) WHERE name = $name;

-- name: audit_nameless
-- The first row of a list that names no id: place (from 0).
SELECT place FROM wanted WHERE identifier IS NULL OR identifier = '' ORDER BY place LIMIT 1;

-- name: audit_own
-- The ledger as its own target: every id that was listed or asked for, unless the provider said that it is not there.
CREATE OR REPLACE VIEW there AS
    SELECT name, identifier, NULL::TIMESTAMP AS moment, NULL::BOOLEAN AS day, NULL::VARCHAR AS odd,
        NULL::BOOLEAN AS deleted
    FROM here WHERE state NOT IN ('absent', 'moved', 'forbidden');

-- name: audit_paired
-- Every id with its mark: = same, + missing here, - extra here, * differs, ! could not tell, ~ a tombstone here and
-- nothing there. `finished`: all of the target is known; without it nothing can be called extra. `only_newer`: the
-- datestamps of the two sides are of several kinds, and only a later one there says something.
CREATE VIEW paired AS
SELECT name, identifier,
    CASE WHEN is_there AND NOT is_here THEN '+'
        WHEN is_there AND (deleted_there <> deleted_here OR stamps_differ) THEN '*'
        WHEN is_there THEN '='
        WHEN NOT getvariable('finished') THEN '!'
        WHEN deleted_here THEN '~'
        ELSE '-' END AS mark,
    * EXCLUDE (name, identifier, is_there, is_here, stamps_differ)
FROM (
    SELECT name, identifier, there.name IS NOT NULL AS is_there, coalesce(here.held, false) AS is_here,
        coalesce(CASE WHEN there.moment = here.moment THEN false
            WHEN there.moment IS NULL OR here.moment IS NULL
                THEN coalesce(there.odd, there.moment::VARCHAR) <> coalesce(here.odd, here.moment::VARCHAR)
            WHEN there.day OR here.day THEN there.moment::DATE <> here.moment::DATE
            WHEN getvariable('only_newer') THEN there.moment > here.moment
            ELSE true END, false) AS stamps_differ,
        here.state, here.request,
        there.moment AS moment_there, there.day AS day_there, there.odd AS odd_there, there.deleted AS deleted_there,
        CASE WHEN here.held THEN here.moment END AS moment_here, here.day AS day_here, here.odd AS odd_here,
        CASE WHEN here.held THEN here.deleted END AS deleted_here
    FROM (SELECT * FROM here WHERE in_part(identifier)) AS here
    FULL JOIN (SELECT * FROM there WHERE in_part(identifier)) AS there USING (name, identifier))
WHERE is_there OR is_here;

-- name: audit_rows_to_compare
-- Rows of both sides, for choosing the number of parts.
SELECT (SELECT count(*) FROM outcomes) + (SELECT count(*) FROM wanted);

-- name: audit_runs
-- The runs of a ledger: run, mode.
SELECT run, mode FROM runs;

-- name: audit_several
-- Ids with more rows than one, on each side, of a part of both sides. Nearly always there are few: a sort of 64 bits an
-- id finds those that may be, and only these are counted.
INSERT INTO several
WITH here AS (
        SELECT h FROM (SELECT h, lag(h) OVER (ORDER BY h) AS before
                       FROM (SELECT hash(name, identifier) AS h FROM asked WHERE in_part(identifier)))
        WHERE h = before),
     there AS (
        SELECT h FROM (SELECT h, lag(h) OVER (ORDER BY h) AS before
                       FROM (SELECT hash(name, identifier) AS h FROM named WHERE in_part(identifier)))
        WHERE h = before)
SELECT 0, name, identifier FROM asked
WHERE hash(name, identifier) IN (SELECT h FROM here) GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 1, name, identifier FROM named
WHERE hash(name, identifier) IN (SELECT h FROM there) GROUP BY ALL HAVING count(*) > 1;

-- name: audit_several_count
-- How many ids stand in several places.
SELECT count(*) FROM several;

-- name: audit_short_splits
-- Lists that were cut and whose parts brought less than they had stated (SQLite): channel, from_, until, stated, counted.
-- Parameters: run (NULL: the last harvest of each channel).
WITH last AS (
        SELECT w.channel, max(w.run) AS run FROM windows AS w JOIN runs USING (run)
        WHERE runs.mode NOT IN ('census', 'retry') GROUP BY w.channel)
SELECT c.name AS channel, w.from_, w.until, f.expected AS stated, f.found AS counted
FROM findings AS f JOIN windows AS w USING (window) JOIN channels AS c ON c.channel = w.channel
     LEFT JOIN last ON last.channel = w.channel
WHERE f.code = 'parts-short' AND f.run = coalesce(:run, last.run)
ORDER BY c.name, w.window;

-- name: audit_sides
-- Both sides with one row an id: its latest state; of the archive, what it last held and how it last ended. The latest
-- state is what its last row says, unless `chosen` has another one. Rows without a copy of their own count only where
-- there is no copy.
CREATE TABLE settled_here AS
    WITH ranked AS (
        SELECT a.*, a.place + CASE WHEN c.outcome IS NOT NULL THEN 1::BIGINT << 60 WHEN a.kept THEN 1::BIGINT << 59 ELSE 0 END AS rank
        FROM (SELECT * FROM asked
              SEMI JOIN (SELECT name, identifier FROM several WHERE side = 0) USING (name, identifier)) AS a
             LEFT JOIN (SELECT outcome FROM chosen WHERE side = 0) AS c ON c.outcome = a.place)
    SELECT name, identifier,
        CASE WHEN arg_max(held, place) THEN arg_max(state, rank) FILTER (held) ELSE arg_max(state, place) END AS state,
        bool_or(held) AS held, arg_max({m: moment, d: day, o: odd}, rank) FILTER (held AND kept) AS stamp,
        arg_max(state = 'deleted', rank) FILTER (held) AS deleted, arg_max(request, place) AS request
    FROM ranked
    GROUP BY name, identifier;
CREATE TABLE settled_there AS
    WITH ranked AS (
        SELECT n.*, n.place + CASE WHEN c.outcome IS NOT NULL THEN 1::BIGINT << 60 WHEN n.kept THEN 1::BIGINT << 59 ELSE 0 END AS rank
        FROM (SELECT * FROM named
              SEMI JOIN (SELECT name, identifier FROM several WHERE side = 1) USING (name, identifier)) AS n
             LEFT JOIN (SELECT outcome FROM chosen WHERE side = 1) AS c ON c.outcome = n.place)
    SELECT name, identifier, arg_max({m: moment, d: day, o: odd}, rank) AS stamp, arg_max_null(deleted, rank) AS deleted
    FROM ranked
    GROUP BY name, identifier;
CREATE VIEW here AS
    SELECT name, identifier, state, held, moment, day, odd, state = 'deleted' AS deleted, request
    FROM asked ANTI JOIN settled_here USING (name, identifier)
    UNION ALL
    SELECT name, identifier, state, held, stamp.m, stamp.d, stamp.o, deleted, request FROM settled_here;
CREATE VIEW there AS
    SELECT name, identifier, moment, day, odd, deleted FROM named ANTI JOIN settled_there USING (name, identifier)
    UNION ALL
    SELECT name, identifier, stamp.m, stamp.d, stamp.o, deleted FROM settled_there;

-- name: audit_sides_once
-- Both sides where no id has more rows than one.
CREATE VIEW here AS
    SELECT name, identifier, state, held, moment, day, odd, state = 'deleted' AS deleted, request FROM asked;
CREATE VIEW there AS SELECT name, identifier, moment, day, odd, deleted FROM named;

-- name: audit_stated
-- What lists said of their own length (SQLite): one row a channel of a run: channel, verb, stated, counted (distinct
-- ids that came), silent (lists that said nothing). Only lists that were read to their end and not cut into others, and
-- no second look at what came since, to which a search that ignores the bounds says the size of everything again.
-- Parameters: run (NULL: the last harvest of each channel).
WITH last AS (
        SELECT w.channel, max(w.run) AS run FROM windows AS w JOIN runs USING (run)
        WHERE runs.mode NOT IN ('census', 'retry') GROUP BY w.channel)
SELECT c.name AS channel, iif(w.verb = 'gathered', 'search', w.verb) AS kind, sum(iif(w.verb = 'dump', w.listed, w.stated)) AS stated,
       sum(iif(w.verb = 'dump' OR w.stated IS NOT NULL, w.distinct_ids, 0)) AS counted,
       count(*) FILTER (WHERE w.verb <> 'dump' AND w.stated IS NULL) AS silent
FROM windows AS w JOIN channels AS c USING (channel) LEFT JOIN last ON last.channel = w.channel
WHERE w.run = coalesce(:run, last.run) AND w.state = 'done' AND w.verb IN ('ListRecords', 'ListIdentifiers', 'search', 'gathered', 'dump')
  AND w."end" IS NOT 'bounds ignored' AND NOT EXISTS (SELECT 1 FROM windows AS child WHERE child.parent = w.window)
GROUP BY c.name, kind
ORDER BY c.name;

-- name: audit_tables
-- What an audit compares, empty. `side` is 0 for the archive, 1 for its target. A datestamp is a `moment` (UTC, to the
-- second) and whether it names a `day` only; text that is no time is `odd`.
CREATE TYPE state AS ENUM ('read', 'deleted', 'absent', 'moved', 'forbidden', 'refused', 'lost', 'open');
-- what is compared with each other: a channel, a format, or everything; `since` is when it was last harvested
CREATE TABLE names (name INTEGER, text VARCHAR, set_spec VARCHAR, since TIMESTAMP);
CREATE TABLE channels (ledger UTINYINT, channel BIGINT, name INTEGER);
CREATE TABLE runs (ledger UTINYINT, run BIGINT, side UTINYINT);
CREATE TABLE windows ("window" BIGINT, run BIGINT, name INTEGER, from_ VARCHAR, until VARCHAR, state VARCHAR);
CREATE TABLE requests (
    ledger UTINYINT, side UTINYINT, request BIGINT, run BIGINT, channel BIGINT, name INTEGER, "window" BIGINT,
    attempt BIGINT);
CREATE TABLE outcomes (
    side UTINYINT, outcome BIGINT, request BIGINT, name INTEGER, identifier VARCHAR, moment TIMESTAMP, day BOOLEAN,
    odd VARCHAR, state state, kept BOOLEAN);
CREATE TABLE wanted (
    name INTEGER, identifier VARCHAR, moment TIMESTAMP, day BOOLEAN, odd VARCHAR, deleted BOOLEAN, digest VARCHAR,
    place BIGINT);
-- what indexes know of records, where that is asked for
CREATE TABLE items (
    side UTINYINT, format VARCHAR, identifier VARCHAR, year INTEGER, type VARCHAR, sets VARCHAR[], sha256 VARCHAR);
-- latest states that others came after (archive/store/versions.py)
CREATE TABLE chosen (side UTINYINT, outcome BIGINT);
-- ids with more rows than one
CREATE TABLE several (side UTINYINT, name INTEGER, identifier VARCHAR);
-- ids that one list has more than once
CREATE TABLE twice (side UTINYINT, name INTEGER, identifier VARCHAR, times BIGINT);
CREATE TABLE compared (
    name INTEGER, identifier VARCHAR, mark VARCHAR, state state, request BIGINT, moment_there TIMESTAMP,
    day_there BOOLEAN, odd_there VARCHAR, deleted_there BOOLEAN, moment_here TIMESTAMP, day_here BOOLEAN,
    odd_here VARCHAR, deleted_here BOOLEAN, why VARCHAR);

-- what an id is in its repository, as archive.crosswalks.schemes.local_id says it
CREATE MACRO plain_part(identifier) AS
    CASE WHEN starts_with(identifier, 'oai:') AND strpos(substr(identifier, 5), ':') > 0
              AND length(identifier) > 4 + strpos(substr(identifier, 5), ':')
         THEN substr(identifier, 5 + strpos(substr(identifier, 5), ':')) ELSE identifier END;
CREATE MACRO space() AS '[\t-\r\x{1c}- \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]';
CREATE MACRO ascii_lower(text) AS translate(text, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
CREATE MACRO doi_parts(text) AS
    regexp_extract(text, '(?is)^' || space() || '*((?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|(?:info:)?doi[:/]'
        || space() || '*)*)(10\.[0-9]{3,9}(?:\.[0-9]+)*/' || replace(space(), '[', '[^') || '+)' || space() || '*$',
        ['resolver', 'name']);
CREATE MACRO doi_of(parts) AS
    nullif(ascii_lower(CASE WHEN contains(ascii_lower(parts.resolver), 'doi.org/')
                             AND NOT regexp_matches(parts.name, '%(?:$|[^2-7]|[2-7]$|[2-7][^0-9A-Fa-f])')
        THEN url_decode(parts.name) ELSE parts.name END), '');
CREATE MACRO doi_in(text) AS doi_of(doi_parts(text));
CREATE MACRO local_part(identifier) AS
    CASE WHEN contains(plain_part(identifier), '10.')
         THEN coalesce(doi_in(plain_part(identifier)), plain_part(identifier)) ELSE plain_part(identifier) END;
CREATE MACRO compared_as(identifier) AS
    CASE WHEN getvariable('keyed') THEN local_part(identifier) ELSE identifier END;
CREATE MACRO moment_of(stamp) AS
    CASE WHEN stamp LIKE '____-__-__%'
         THEN date_trunc('second', try_cast(try_cast(replace(stamp, ',', '.') AS TIMESTAMPTZ) AS TIMESTAMP)) END;
CREATE MACRO stamp_text(moment, day, odd) AS
    CASE WHEN moment IS NULL THEN odd WHEN day THEN strftime(moment, '%Y-%m-%d')
         ELSE strftime(moment, '%Y-%m-%dT%H:%M:%SZ') END;
-- big sides are compared in parts, so that each of them fits into memory
CREATE MACRO in_part(identifier) AS
    getvariable('parts') = 1 OR hash(identifier) % getvariable('parts') = getvariable('part');

-- every row of either side, as it is compared; what no row has is left out of the join (a constant costs nothing there)
CREATE VIEW asked AS
    SELECT name, compared_as(identifier) AS identifier, moment, CASE WHEN getvariable('days') THEN day END AS day,
        CASE WHEN getvariable('odds') THEN odd END AS odd, state, state IN ('read', 'deleted') AS held,
        outcome AS place, kept,
        CASE WHEN getvariable('by_window') THEN request END AS request
    FROM outcomes WHERE side = 0;
CREATE VIEW named AS
    SELECT name, compared_as(identifier) AS identifier,
        CASE WHEN getvariable('stamped') OR state <> 'deleted' THEN moment END AS moment,
        CASE WHEN getvariable('days') THEN day END AS day, CASE WHEN getvariable('odds') THEN odd END AS odd,
        state = 'deleted' AS deleted, outcome AS place, request, kept
    FROM outcomes WHERE side = 1 AND state IN ('read', 'deleted')
    UNION ALL
    SELECT name, compared_as(identifier), moment, CASE WHEN getvariable('days') THEN day END,
        CASE WHEN getvariable('odds') THEN odd END, deleted, place, NULL, true
    FROM wanted;

-- name: audit_target_digests
-- Items of the target with a digest: with none, contents cannot be compared.
SELECT count(sha256) FROM items WHERE side = 0;

-- name: audit_totals
-- How many ids each side has. One row a channel: channel, expected (the target names), live (not deleted there),
-- held (here).
SELECT text AS channel, coalesce(expected, 0) AS expected, coalesce(live, 0) AS live, coalesce(held, 0) AS held
FROM names
LEFT JOIN (SELECT name, count(*) AS expected, count(*) FILTER (deleted IS NOT true) AS live FROM there GROUP BY name)
    USING (name)
LEFT JOIN (SELECT name, count(*) AS held FROM here WHERE held GROUP BY name) USING (name)
WHERE expected > 0 OR held > 0
ORDER BY name;

-- name: audit_twice
-- Ids that one list has more than once: a window, in one attempt at it. Two windows may overlap, and a run may list an
-- id again because it changed meanwhile.
INSERT INTO twice
SELECT side, name, identifier, max(times)
FROM (
    SELECT o.side, o.name, compared_as(o.identifier) AS identifier, r.run, r.channel, r."window", r.attempt,
        count(*) AS times
    FROM outcomes AS o JOIN requests AS r ON r.side = o.side AND r.request = o.request
    SEMI JOIN several AS s
        ON s.side = o.side AND s.name = o.name AND s.identifier = compared_as(o.identifier)
    WHERE o.kept AND o.state IN ('read', 'deleted')
    GROUP BY ALL
    UNION ALL
    SELECT 1, name, compared_as(identifier), NULL, NULL, NULL, NULL, count(*) FROM wanted GROUP BY ALL HAVING count(*) > 1)
WHERE times > 1
GROUP BY side, name, identifier;

-- name: audit_twice_counts
-- How many ids there are more than once: side (0 here, 1 there), ids.
SELECT side, count(*) AS ids FROM twice GROUP BY side;

-- name: captures_cells
-- How many local ids were seen live by which kinds of channel, each as a capture of its own. A list and a census by the
-- same spider are one kind. Ids that were asked for because a census or a list named them, or because they had failed,
-- are no capture. Columns: seen (the kinds, in order), ids. No parameters.
WITH told AS (
        SELECT o.local_id, o.outcome, o.state,
            CASE split_part(o.channel, ':', 1) WHEN 'census' THEN r.spider ELSE split_part(o.channel, ':', 1) END AS kind
        FROM outcomes AS o JOIN runs AS r USING (run)
        WHERE o.channel IS NOT NULL AND (r.arguments ->> '$.ids' IS NULL OR regexp_full_match(
            r.arguments ->> '$.ids', '[0-9][-0-9,]*'))),
     shown AS (
        SELECT local_id, kind FROM told GROUP BY local_id, kind HAVING arg_max(state, outcome) = 'read')
SELECT seen, count(*) AS ids
FROM (SELECT local_id, list(kind ORDER BY kind) AS seen FROM shown GROUP BY local_id)
GROUP BY seen
ORDER BY seen;

-- name: captures_left_out
-- Runs by id whose ids were chosen by something else than their numbers: they are no captures. Columns: run, spider, ids
-- (what named them).
SELECT run, spider, arguments ->> '$.ids' AS ids
FROM runs
WHERE NOT regexp_full_match(arguments ->> '$.ids', '[0-9][-0-9,]*')
ORDER BY run;

-- name: captures_partial
-- Incremental runs of a spider that never read all: they show what is new, which others could not show yet. Columns:
-- run, spider.
SELECT run, spider
FROM runs
WHERE mode = 'incremental' AND spider NOT IN (SELECT spider FROM runs WHERE mode = 'full')
ORDER BY run;

-- name: idfile_columns
-- Columns of a Parquet file by their names. Parameters: path, names.
SELECT COLUMNS(lambda name: list_contains($names, name)) FROM read_parquet($path);

-- name: idfile_names
-- The columns of a Parquet file, without its rows. Parameters: path.
SELECT * FROM read_parquet($path) LIMIT 0;

-- name: sample_draw
-- So many ids of each stratum at random, the same ones for the same seed on any machine. Columns: local_id, identifier
-- (as lists name it, where one does), stratum. Parameters: by (as in sample_strata), seed, strata and takes (lists).
WITH known AS (
        SELECT local_id, coalesce(
            min(identifier) FILTER (split_part(channel, ':', 1) IN ('oaipmh', 'census', 'exporter')),
            min(identifier)) AS identifier
        FROM outcomes WHERE state <> 'absent' GROUP BY local_id),
     described AS (
        SELECT local_id, arg_max(publication_year, retrieved) AS year, arg_max(sets[1], retrieved) AS set_spec
        FROM records GROUP BY local_id),
     placed AS (
        SELECT local_id, identifier,
            CASE $by WHEN 'year' THEN coalesce(year::VARCHAR, 'unknown') WHEN 'set' THEN coalesce(set_spec, 'unknown')
            ELSE 'all' END AS stratum
        FROM known LEFT JOIN described USING (local_id)),
     shuffled AS (
        SELECT *, row_number() OVER (PARTITION BY stratum ORDER BY sha256($seed || ' ' || local_id)) AS place
        FROM placed),
     wanted AS (SELECT unnest($strata) AS stratum, unnest($takes) AS take)
SELECT local_id, identifier, stratum
FROM shuffled JOIN wanted USING (stratum)
WHERE place <= take
ORDER BY local_id;

-- name: sample_families
-- Local ids that end in a number, by what stands before it, of all that any channel has shown to exist in some state.
-- Columns: prefix, first, last (numbers), ids. One row more, with a NULL prefix, has those that end in none.
WITH known AS (
        SELECT DISTINCT local_id FROM outcomes WHERE state IN ('read', 'deleted', 'moved', 'forbidden', 'refused')),
     split AS (
        SELECT regexp_extract(local_id, '^(|.*[^0-9])([1-9][0-9]{0,17})$', 1) AS prefix,
            TRY_CAST(regexp_extract(local_id, '^(|.*[^0-9])([1-9][0-9]{0,17})$', 2) AS BIGINT) AS number
        FROM known)
SELECT CASE WHEN number IS NOT NULL THEN prefix END AS prefix, min(number) AS first, max(number) AS last,
    count(*) AS ids
FROM split
GROUP BY 1
ORDER BY ids DESC, prefix;

-- name: sample_here
-- What the archive has of some ids. Columns: local_id; held (read, deleted or NULL: the newest of what is kept); state
-- (of the last harvest that asked, NULL where a census alone named it); datestamp (of the newest kept from `kinds`).
-- Parameters: ids; kinds (of channels whose datestamps mean the same as the target's).
SELECT o.local_id,
    arg_max(o.state, o.outcome) FILTER (r.mode <> 'census' AND o.state IN ('read', 'deleted')) AS held,
    arg_max(o.state, o.outcome) FILTER (r.mode <> 'census') AS state,
    arg_max(o.datestamp, o.outcome) FILTER (
        r.mode <> 'census' AND o.state = 'read' AND list_contains($kinds, split_part(o.channel, ':', 1))) AS datestamp
FROM outcomes AS o JOIN runs AS r USING (run)
WHERE o.local_id IN (SELECT unnest($ids))
GROUP BY o.local_id;

-- name: sample_naming
-- What stands before the local id in the identifiers of lists, and the metadata prefix: the most frequent of each.
-- Columns: before, prefix. No row where no list was read.
SELECT left(identifier, length(identifier) - length(local_id)) AS before, split_part(channel, ':', 2) AS prefix
FROM outcomes
WHERE split_part(channel, ':', 1) IN ('oaipmh', 'census') AND ends_with(identifier, local_id)
GROUP BY ALL
ORDER BY count(*) DESC, before, prefix
LIMIT 1;

-- name: sample_strata
-- The ids that any channel has listed or asked for, but for those that are absent, by year of publication or by first
-- set of the newest record. Columns: stratum, ids. Parameters: by (year, set, or none for all in one).
WITH known AS (SELECT DISTINCT local_id FROM outcomes WHERE state <> 'absent'),
     described AS (
        SELECT local_id, arg_max(publication_year, retrieved) AS year, arg_max(sets[1], retrieved) AS set_spec
        FROM records GROUP BY local_id)
SELECT CASE $by WHEN 'year' THEN coalesce(year::VARCHAR, 'unknown') WHEN 'set' THEN coalesce(set_spec, 'unknown')
    ELSE 'all' END AS stratum, count(*) AS ids
FROM known LEFT JOIN described USING (local_id)
GROUP BY stratum
ORDER BY stratum;

-- name: sketch_items
-- Every local id of a part of the index, once, with its newest version over all formats as one number: twice the seconds
-- since 1970 of its datestamp, and one more when it is live. Of two with one datestamp the live one counts.
-- Columns: local_id, version. Parameters: part, parts; no_time (the seconds of what has no datestamp).
SELECT local_id, max(2 * coalesce(epoch(datestamp)::BIGINT, $no_time) + (NOT deleted)::BIGINT) AS version
FROM records
WHERE hash(local_id) % $parts = $part
GROUP BY local_id;

-- name: sketch_named
-- The local ids behind hashes: those that are too long for a sketch. Columns: hash, local_id. Parameters: hashes.
SELECT DISTINCT sha256(local_id) AS hash, local_id
FROM records
WHERE octet_length(encode(local_id)) > 47 AND list_contains($hashes, sha256(local_id));

-- name: sketch_records
-- How many records there are to sketch.
SELECT count(*) FROM records;
