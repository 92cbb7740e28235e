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
