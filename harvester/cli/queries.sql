-- Queries of harvester.cli, in alphabetical order. archive/queries.py reads this file.

-- name: an_oai_identifier
-- An identifier of OAI-PMH.
SELECT identifier FROM outcomes WHERE identifier LIKE 'oai:%' LIMIT 1;

-- name: columns
-- Tables and their columns: table_name, column_name, data_type.
SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY table_name, column_index;

-- name: has_other_channels
-- One row if records came in another way than by OAI-PMH.
SELECT 1 FROM channels WHERE name NOT LIKE 'oaipmh:%' AND name NOT LIKE 'census:%' LIMIT 1;

-- name: last_census
-- The newest census of a spider. Parameter: spider.
SELECT max(run) FROM runs WHERE mode = 'census' AND spider = ?;

-- name: listed_channels
-- The channels of OAI-PMH: format, set_spec.
SELECT format, set_spec FROM channels WHERE name LIKE 'oaipmh:%' ORDER BY channel;

-- name: sample_is_open
-- One row if a sample is still being asked for.
SELECT 1 FROM runs WHERE state IN ('open', 'unfinished') AND arguments ->> '$.ids' LIKE 'sha256:%' LIMIT 1;
