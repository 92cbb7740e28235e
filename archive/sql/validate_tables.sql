-- The tables of a validation, empty: one row a version of a record.
CREATE TABLE checked (
    identifier VARCHAR NOT NULL, local_id VARCHAR NOT NULL, format VARCHAR NOT NULL, outcome BIGINT NOT NULL,
    deleted BOOLEAN NOT NULL, declared VARCHAR, schema VARCHAR,
    faults STRUCT(schema VARCHAR, place VARCHAR, rule VARCHAR, message VARCHAR)[] NOT NULL,
    dois VARCHAR[] NOT NULL, titles VARCHAR[] NOT NULL, dates VARCHAR[] NOT NULL);
