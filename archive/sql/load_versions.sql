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
