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
