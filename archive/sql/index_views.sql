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
