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
