-- What a migration compares: a row a record and format of either side, and the lines of an uploader's log.
-- `keys` are the names by which the rule matches, `ids` those that a repository itself gives; `page` is where people
-- read it; `documents` are its files, each with all URLs that lead to it and the one to be asked for; `values` are those of the mapped fields in their order, NULL where they are not compared.
CREATE TABLE source_rows (
    item VARCHAR NOT NULL, format VARCHAR NOT NULL, deleted BOOLEAN NOT NULL, local_id VARCHAR NOT NULL, title VARCHAR,
    type VARCHAR, year INTEGER, sets VARCHAR[], urls VARCHAR[],
    documents STRUCT(urls VARCHAR[], place VARCHAR, "name" VARCHAR, checksum VARCHAR)[], page VARCHAR, keys VARCHAR[], ids VARCHAR[],
    concept VARCHAR, position INTEGER, previous VARCHAR[], "values" VARCHAR[][], metadata JSON);
CREATE TABLE target_rows AS FROM source_rows;
CREATE TABLE log_rows (line BIGINT NOT NULL, item VARCHAR NOT NULL, said VARCHAR NOT NULL, reason VARCHAR,
    keys VARCHAR[], targets VARCHAR[]);
CREATE TABLE pairs (source VARCHAR NOT NULL, target VARCHAR NOT NULL);
