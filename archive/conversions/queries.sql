-- Queries of archive.conversions, in alphabetical order. archive/queries.py reads this file.

-- name: convert_shards
-- Sealed shards (SQLite), in their order: shard, name, bytes, crosswalks (JSON: the versions that the software of its run
-- had; NULL when it says nothing).
SELECT s.shard, s.name, s.bytes, r.software -> '$.crosswalks'
FROM shards AS s JOIN runs AS r USING (run)
WHERE s.state = 'sealed'
ORDER BY s.shard;

-- name: validate_choose
-- The outcomes that are validated. Parameter: outcomes.
CREATE TEMP TABLE chosen AS SELECT unnest($outcomes)::BIGINT AS outcome;

-- name: validate_faults
-- Everything that is not valid, record by record: identifier, format, declared, place, rule, message.
SELECT identifier, format, declared, fault.place AS place, fault.rule AS rule, fault.message AS message
FROM (SELECT identifier, format, declared, outcome, unnest(faults) AS fault FROM checked WHERE len(faults) > 0)
ORDER BY outcome, place, rule, message;

-- name: validate_groups
-- What is not valid, alike things together, the most frequent first: declared, schema, place, rule, records, first
-- (identifier), message (of the first).
SELECT declared, fault.schema AS schema, fault.place AS place, fault.rule AS rule, count(DISTINCT outcome) AS records,
       arg_min(identifier, outcome) AS first, arg_min(fault.message, outcome) AS message
FROM (SELECT declared, identifier, outcome, unnest(faults) AS fault FROM checked WHERE len(faults) > 0)
GROUP BY declared, fault.schema, fault.place, fault.rule
ORDER BY records DESC, declared, schema, place, rule;

-- name: validate_latest
-- Keep of each record its latest state, and no tombstones: in the temporary table `chosen` are the outcomes of the latest
-- states of records that have more copies than one. Changes the table `checked`.
CREATE TEMP TABLE superseded AS
    SELECT outcome
    FROM (SELECT outcome, count(*) OVER (PARTITION BY format, identifier) AS copies FROM checked) ANTI JOIN chosen USING (outcome)
    WHERE copies > 1;
DELETE FROM checked WHERE deleted OR outcome IN (SELECT outcome FROM superseded);
DROP TABLE superseded;

-- name: validate_load
-- Records that were checked, from a spill file of one JSON object a line.
-- Parameters: path; longest (bytes of the longest line).
INSERT INTO checked BY NAME
SELECT * FROM read_json($path, format = 'newline_delimited', maximum_object_size = $longest,
    columns = {identifier: 'VARCHAR', local_id: 'VARCHAR', format: 'VARCHAR', outcome: 'BIGINT', deleted: 'BOOLEAN',
        declared: 'VARCHAR', schema: 'VARCHAR', faults: 'STRUCT(schema VARCHAR, place VARCHAR, rule VARCHAR, message VARCHAR)[]',
        dois: 'VARCHAR[]', titles: 'VARCHAR[]', dates: 'VARCHAR[]'});

-- name: validate_repeated
-- Records that have more copies than one: outcomes (a list).
SELECT list(outcome ORDER BY outcome) AS outcomes FROM checked GROUP BY format, identifier HAVING count(*) > 1;

-- name: validate_representations
-- Ids with several representations, each with all of them one after the other: local_id, identifier, format, dois, titles,
-- dates.
SELECT local_id, identifier, format, dois, titles, dates
FROM checked
SEMI JOIN (SELECT local_id FROM checked GROUP BY local_id HAVING count(DISTINCT format) > 1) USING (local_id)
ORDER BY local_id, format, identifier;

-- name: validate_schemas
-- What was checked against what. One row for each: format, declared (version, NULL none), schema (NULL: not checked),
-- records, invalid, first (identifier).
SELECT format, declared, schema, count(*) AS records, count(*) FILTER (len(faults) > 0) AS invalid,
       arg_min(identifier, outcome) AS first
FROM checked
GROUP BY format, declared, schema
ORDER BY format, declared NULLS LAST, schema NULLS LAST;

-- name: validate_tables
-- The tables of a validation, empty: one row a version of a record.
CREATE TABLE checked (
    identifier VARCHAR NOT NULL, local_id VARCHAR NOT NULL, format VARCHAR NOT NULL, outcome BIGINT NOT NULL,
    deleted BOOLEAN NOT NULL, declared VARCHAR, schema VARCHAR,
    faults STRUCT(schema VARCHAR, place VARCHAR, rule VARCHAR, message VARCHAR)[] NOT NULL,
    dois VARCHAR[] NOT NULL, titles VARCHAR[] NOT NULL, dates VARCHAR[] NOT NULL);
