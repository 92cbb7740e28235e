-- Queries of archive.migrations, in alphabetical order. archive/queries.py reads this file.

-- name: log_columns
-- The columns of a table of a log. Parameter: table.
SELECT name FROM pragma_table_info(?);

-- name: log_tables
-- Tables and views of a log.
SELECT name FROM sqlite_schema WHERE type IN ('table', 'view');

-- name: migration_by_set
-- Items of the source by set and class; one in several sets is counted in each, one in none under the empty name.
SELECT name, class, count(*)
FROM classed, unnest(CASE WHEN len(sets) > 0 THEN sets ELSE [''] END) AS s(name) GROUP BY ALL ORDER BY ALL;

-- name: migration_by_type
-- Items of the source by type and class.
SELECT coalesce(type::VARCHAR, '') AS name, class, count(*) FROM classed GROUP BY ALL ORDER BY ALL;

-- name: migration_by_year
-- Items of the source by year and class.
SELECT coalesce(year::VARCHAR, '') AS name, class, count(*) FROM classed GROUP BY ALL ORDER BY ALL;

-- name: migration_chain_counts
-- Wrong chains by code: code, chains.
SELECT code, count(*) FROM chains GROUP BY code ORDER BY code;

-- name: migration_chains
-- What is wrong with chains of versions that items were matched with: code, chain, item, positions, in that order.
-- chain-incomplete: of positions 1 to the highest some are not in the target, `positions` are those.
-- chain-repeated: several live records have one position.
-- chain-unnumbered: not one of its records says its position, though there are several.
-- concept-unknown: the record names no concept, though others of its repository do.
-- chain-split: an item and the one it succeeds were matched with different chains.
-- chain-disordered: they are in one chain, and not in that order.
CREATE TABLE chains AS
WITH touched AS (
        SELECT DISTINCT c.chain FROM pairs AS p JOIN classed ON classed.item = p.source JOIN claims AS c USING (target)
        WHERE classed.class = 'matched' AND NOT c.deleted),
     members AS (
        SELECT chain, t.item, t.concept, t.position
        FROM claims AS c JOIN touched USING (chain) JOIN target AS t ON t.item = c.target WHERE NOT c.deleted),
     steps AS (
        SELECT later.item, later_place.chain AS later_chain, earlier_place.chain AS earlier_chain,
            later_version.position AS later_position, earlier_version.position AS earlier_position
        FROM source AS later, unnest(later.previous) AS named(name)
        JOIN source AS earlier ON earlier.local_id = named.name
        JOIN classed AS l ON l.item = later.item AND l.class = 'matched'
        JOIN classed AS e ON e.item = earlier.item AND e.class = 'matched'
        JOIN claims AS later_place ON later_place.target = l.newest
        JOIN claims AS earlier_place ON earlier_place.target = e.newest
        JOIN target AS later_version ON later_version.item = l.newest
        JOIN target AS earlier_version ON earlier_version.item = e.newest)
SELECT 'chain-incomplete' AS code, chain, NULL AS item,
    list_filter(range(1, max(position) + 1), lambda n: NOT list_contains(list(position), n)) AS positions
FROM members WHERE concept IS NOT NULL AND position IS NOT NULL
GROUP BY chain HAVING count(DISTINCT position) < max(position)
UNION ALL
SELECT 'chain-repeated', chain, min(item), [position::BIGINT]
FROM members WHERE position IS NOT NULL GROUP BY chain, position HAVING count(*) > 1
UNION ALL
SELECT 'chain-unnumbered', chain, min(item), [] FROM members GROUP BY chain
HAVING count(*) > 1 AND count(position) = 0
UNION ALL
SELECT 'concept-unknown', chain, item, []
FROM members WHERE concept IS NULL AND EXISTS (SELECT 1 FROM target WHERE concept IS NOT NULL)
UNION ALL
SELECT 'chain-split', later_chain, item, [] FROM steps WHERE later_chain <> earlier_chain
UNION ALL
SELECT 'chain-disordered', later_chain, item, [earlier_position, later_position] FROM steps
WHERE later_chain = earlier_chain AND coalesce(later_position <= earlier_position, later_chain IS NOT NULL);

-- name: migration_claims
-- Each item of the target with the number of live items of the source that claim it. A chain of versions is one thing:
-- records of one concept, or one record without.
CREATE TABLE claims AS
    SELECT t.item AS target, t.deleted, coalesce(t.concept, t.item) AS chain,
        count(s.item) FILTER (NOT s.deleted) AS claimants
    FROM target AS t LEFT JOIN pairs AS p ON p.target = t.item LEFT JOIN source AS s ON s.item = p.source
    GROUP BY ALL;

-- name: migration_classes
-- Each item of the source with its class; `newest` is the last version of what it was matched with.
-- Parameters: needs_keys (whether the rule goes by names; an item without one cannot be matched).
CREATE TABLE classed AS
WITH found AS (
        SELECT p.source AS item, count(*) FILTER (NOT c.deleted) AS live, count(*) FILTER (c.deleted) AS dead,
            count(DISTINCT c.chain) FILTER (NOT c.deleted) AS chains,
            max(c.claimants) FILTER (NOT c.deleted) AS claimants,
            arg_max(t.item, (coalesce(t.position, 0), t.item)) FILTER (NOT c.deleted) AS newest
        FROM pairs AS p JOIN claims AS c USING (target) JOIN target AS t ON t.item = p.target
        GROUP BY p.source),
     keyed AS (SELECT item, bool_or(len(keys) > 0) AS keyed FROM source_rows GROUP BY item)
SELECT s.item, s.local_id, s.title, s.type, s.year, s.sets, coalesce(f.live, 0) AS live, f.newest,
    CASE WHEN s.deleted AND coalesce(f.live, 0) > 0 THEN 'kept'
        WHEN s.deleted THEN 'withdrawn'
        WHEN f.item IS NULL AND NOT k.keyed AND $needs_keys THEN 'unkeyed'
        WHEN f.item IS NULL THEN 'missing'
        WHEN f.live = 0 THEN 'gone'
        WHEN f.chains > 1 THEN 'ambiguous'
        WHEN f.claimants > 1 THEN 'contested'
        ELSE 'matched' END AS class
FROM source AS s JOIN keyed AS k USING (item) LEFT JOIN found AS f USING (item);

-- name: migration_counts
-- Items of each class, of the source and of the target: side, class, items.
SELECT 'source', class, count(*) FROM classed GROUP BY class
UNION ALL
SELECT 'target', CASE WHEN deleted THEN 'deleted' WHEN claimants > 0 THEN 'claimed' ELSE 'unclaimed' END AS class,
    count(*) FROM claims GROUP BY class;

-- name: migration_field_examples
-- Some pairs whose values differ: item, target, old, new. Parameters: field, limit.
SELECT item, newest, old, new FROM judged WHERE field = $field AND judgement IN ('different', 'only_old')
ORDER BY judgement, item LIMIT $limit;

-- name: migration_first
-- Some items of one class: item, local_id, title. Parameters: class, limit.
SELECT item, local_id, title FROM classed WHERE class = $class ORDER BY item LIMIT $limit;

-- name: migration_items_source
-- One row an item of the source, whatever number of formats it came in: its live row in the format that is compared,
-- else of another. Parameters: format.
CREATE TABLE source AS
    SELECT * EXCLUDE (keys, ids) FROM source_rows
    QUALIFY row_number() OVER (PARTITION BY item ORDER BY deleted, format <> $format, format) = 1;

-- name: migration_items_target
-- One row an item of the target, whatever number of formats it came in: its live row in the format that is compared,
-- else of another. Parameters: format.
CREATE TABLE target AS
    SELECT * EXCLUDE (keys) FROM target_rows
    QUALIFY row_number() OVER (PARTITION BY item ORDER BY deleted, format <> $format, format) = 1;

-- name: migration_judge
-- Each mapped field (its number from 0) of items that were matched, with a judgement: equal, different, only_old,
-- only_new, neither, or uncompared where one side has no record in the format that is compared.
-- Parameters: fields (how many).
CREATE TABLE judged AS
SELECT c.item, c.newest, n.field, s."values"[n.field + 1] AS old, t."values"[n.field + 1] AS new,
    CASE WHEN s."values" IS NULL OR t."values" IS NULL THEN 'uncompared'
        WHEN len(old) = 0 AND len(new) = 0 THEN 'neither'
        WHEN len(old) = 0 THEN 'only_new'
        WHEN len(new) = 0 THEN 'only_old'
        WHEN old = new THEN 'equal'
        ELSE 'different' END AS judgement
FROM classed AS c JOIN source AS s USING (item) JOIN target AS t ON t.item = c.newest,
    range($fields) AS n(field)
WHERE c.class = 'matched';

-- name: migration_judged
-- Pairs by field and judgement.
SELECT field, judgement, count(*) FROM judged GROUP BY ALL;

-- name: migration_lines
-- Every item of the source with its class and what it was matched with, then what nothing of the source claims.
SELECT class, item, coalesce(list_sort(targets), []) AS targets
FROM classed LEFT JOIN (SELECT source AS item, list(target) AS targets FROM pairs GROUP BY source) USING (item)
UNION ALL
SELECT 'unclaimed', target, [] FROM claims WHERE NOT deleted AND claimants = 0
ORDER BY item, class;

-- name: migration_load_log
-- Lines of an uploader's log from a spill file of one JSON object a line. Parameters: path; longest.
INSERT INTO log_rows BY NAME SELECT * FROM read_json($path, format = 'newline_delimited',
    maximum_object_size = $longest, columns = {line: 'BIGINT', item: 'VARCHAR', said: 'VARCHAR', reason: 'VARCHAR',
        keys: 'VARCHAR[]', targets: 'VARCHAR[]'});

-- name: migration_load_matched
-- Pairs that a rule found, from a spill file of one [source, target] a line, under the items of the log.
-- Parameters: path; longest (bytes of a line, at most).
INSERT INTO pairs
SELECT coalesce(p.logged, p.item), line.pair[2]
FROM read_json($path, format = 'newline_delimited', records = false, maximum_object_size = $longest,
    columns = {pair: 'VARCHAR[]'}) AS line JOIN planned AS p ON p.item = line.pair[1]
EXCEPT SELECT source, target FROM pairs;

-- name: migration_load_source
-- Rows of the source from a spill file of one JSON object a line. Parameters: path; longest (bytes of a line, at most).
INSERT INTO source_rows BY NAME SELECT * FROM read_json($path, format = 'newline_delimited',
    maximum_object_size = $longest, columns = {
        item: 'VARCHAR', format: 'VARCHAR', deleted: 'BOOLEAN', local_id: 'VARCHAR', title: 'VARCHAR', type: 'VARCHAR',
        year: 'INTEGER', sets: 'VARCHAR[]', urls: 'VARCHAR[]', documents: 'STRUCT(urls VARCHAR[], place VARCHAR, "name" VARCHAR, checksum VARCHAR)[]',
        page: 'VARCHAR', keys: 'VARCHAR[]', ids: 'VARCHAR[]',
        concept: 'VARCHAR', position: 'INTEGER', previous: 'VARCHAR[]', "values": 'VARCHAR[][]', metadata: 'JSON'});

-- name: migration_load_target
-- Rows of the target from a spill file of one JSON object a line. Parameters: path; longest (bytes of a line, at most).
INSERT INTO target_rows BY NAME SELECT * FROM read_json($path, format = 'newline_delimited',
    maximum_object_size = $longest, columns = {
        item: 'VARCHAR', format: 'VARCHAR', deleted: 'BOOLEAN', local_id: 'VARCHAR', title: 'VARCHAR', type: 'VARCHAR',
        year: 'INTEGER', sets: 'VARCHAR[]', urls: 'VARCHAR[]', documents: 'STRUCT(urls VARCHAR[], place VARCHAR, "name" VARCHAR, checksum VARCHAR)[]',
        page: 'VARCHAR', keys: 'VARCHAR[]', ids: 'VARCHAR[]',
        concept: 'VARCHAR', position: 'INTEGER', previous: 'VARCHAR[]', "values": 'VARCHAR[][]', metadata: 'JSON'});

-- name: migration_loaded
-- Items that were read of each side.
SELECT (SELECT count(DISTINCT item) FROM source_rows), (SELECT count(DISTINCT item) FROM target_rows);

-- name: migration_missing
-- Local ids of items that are not in the target.
SELECT DISTINCT local_id FROM classed WHERE class IN ('missing', 'gone') ORDER BY local_id;

-- name: migration_pair_keys
-- Pairs that share a name.
INSERT INTO pairs
SELECT DISTINCT s.item, t.item
FROM (SELECT DISTINCT item, unnest(keys) AS key FROM source_rows) AS s
JOIN (SELECT DISTINCT item, unnest(keys) AS key FROM target_rows) AS t USING (key);

-- name: migration_pairs
-- Items of the source and the records of the target that the rule brought together, in order.
SELECT source, target FROM pairs ORDER BY ALL;

-- name: migration_records
-- (index.duckdb) Every record in its latest state: identifier, format, deleted, sets, metadata.
SELECT identifier, format, deleted, sets, metadata::VARCHAR FROM records;

-- name: migration_redirects
-- Old URL, new URL of every item that was matched, in order; of a chain the page of its last version. A document leads
-- to the file of that version with its checksum, else to the only one with its name, else to the page.
WITH moved AS (
        SELECT c.item, c.newest, s.urls, s.documents, t.page, t.documents AS there
        FROM classed AS c JOIN source AS s USING (item) JOIN target AS t ON t.item = c.newest
        WHERE c.class = 'matched'),
     pages AS (SELECT DISTINCT u.url AS old_url, m.page AS new_url FROM moved AS m, unnest(m.urls) AS u(url)),
     olds AS (
        SELECT m.item, m.page, d.doc."name" AS "name", d.doc.checksum AS checksum, unnest(d.doc.urls) AS old_url
        FROM moved AS m, unnest(m.documents) AS d(doc)),
     news AS (
        SELECT m.item, d.doc."name" AS "name", d.doc.checksum AS checksum, d.doc.place AS place
        FROM moved AS m, unnest(m.there) AS d(doc)),
     same AS (
        SELECT item, checksum, min(place) AS place FROM news WHERE checksum IS NOT NULL GROUP BY item, checksum),
     named AS (SELECT item, "name", min(place) AS place FROM news GROUP BY item, "name" HAVING count(*) = 1),
     files AS (
        SELECT DISTINCT o.old_url, coalesce(same.place, named.place, o.page) AS new_url
        FROM olds AS o LEFT JOIN same ON same.item = o.item AND same.checksum = o.checksum
        LEFT JOIN named ON named.item = o.item AND named."name" = o."name"
        WHERE o.old_url NOT IN (SELECT old_url FROM pages))
SELECT old_url, new_url FROM (FROM pages UNION FROM files) WHERE new_url IS NOT NULL ORDER BY ALL;

-- name: migration_stock
-- (index.duckdb) Live records of each format, and in each row how many identifiers there are in all.
SELECT format, count(*) FILTER (NOT deleted), (SELECT count(DISTINCT identifier) FROM records) FROM records
GROUP BY format;

-- name: migration_tables
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

-- name: migration_unclaimed
-- Some items of the target that nothing claims: item, local_id, title. Parameters: limit.
SELECT item, local_id, title FROM claims JOIN target ON item = target
WHERE NOT claims.deleted AND claimants = 0 ORDER BY item LIMIT $limit;

-- name: migration_unredirected
-- Items that were matched and are in no redirect: without a URL of their own, or the record there has none.
SELECT count(*) FROM classed AS c JOIN source AS s USING (item) JOIN target AS t ON t.item = c.newest
WHERE c.class = 'matched' AND (len(s.urls) = 0 OR s.urls IS NULL OR t.page IS NULL);

-- name: migration_wrong_chains
-- Chains that are wrong: code, chain, item, positions.
SELECT code, chain, item, positions FROM chains ORDER BY ALL;

-- name: uploads_again
-- Items that are to be uploaded (again).
SELECT item FROM classed WHERE class IN ('failed', 'false_success', 'never_tried') ORDER BY item;

-- name: uploads_classes
-- Each item with its class: what the log says of it against what the target holds. A chain of versions is one record.
-- done, failed: log and target agree; false_failure: there, and the log says failed; false_success: not there, and the
-- log says done; never_tried; unlogged: there, and the log says nothing; removed: only as a tombstone.
-- `copies` are things there that the item was found as: more than one was uploaded twice.
CREATE TABLE classed AS
WITH found AS (
        SELECT p.source AS item, count(DISTINCT coalesce(t.concept, t.item)) FILTER (NOT t.deleted) AS copies,
            count(*) FILTER (t.deleted) AS tombstones
        FROM pairs AS p JOIN target AS t ON t.item = p.target GROUP BY p.source)
SELECT u.*, coalesce(f.copies, 0) AS copies,
    CASE WHEN f.copies > 0 AND u.said = 'done' THEN 'done'
        WHEN f.copies > 0 AND u.said = 'failed' THEN 'false_failure'
        WHEN f.copies > 0 THEN 'unlogged'
        WHEN f.tombstones > 0 THEN 'removed'
        WHEN u.said = 'done' THEN 'false_success'
        WHEN u.said = 'failed' THEN 'failed'
        ELSE 'never_tried' END AS class
FROM uploads AS u LEFT JOIN found AS f USING (item);

-- name: uploads_counts
-- Items by what the log says of them and by class: said (NULL: no line), class, items, uploaded twice, copies too many.
SELECT said, class, count(*), count(*) FILTER (copies > 1), sum(greatest(copies - 1, 0))::BIGINT FROM classed
GROUP BY ALL;

-- name: uploads_first
-- Some items of one class: item, line, reason. Parameters: class, limit.
SELECT item, line, reason FROM classed WHERE class = $class ORDER BY item LIMIT $limit;

-- name: uploads_items
-- One row an item that was to be uploaded: of the log, and of the plan what the log does not name.
-- `said` is done when any line says so, else failed when any does, else pending; NULL when the log has no line of it.
CREATE TABLE uploads AS
SELECT item, count(*) FILTER (said <> 'pending') AS attempts,
    CASE WHEN bool_or(said = 'done') THEN 'done' WHEN bool_or(said = 'failed') THEN 'failed' ELSE 'pending' END AS said,
    arg_max(reason, line) AS reason, min(line) AS line
FROM log_rows GROUP BY item
UNION ALL
SELECT item, 0, NULL, NULL, NULL FROM planned WHERE logged IS NULL;

-- name: uploads_lines
-- Every item with its class, the copies it was found as, the line of the log and the records.
SELECT class, item, copies, line, coalesce(list_sort(targets), []) AS targets
FROM classed LEFT JOIN (SELECT source AS item, list(target) AS targets FROM pairs GROUP BY source) USING (item)
ORDER BY item;

-- name: uploads_pairs
-- Each item with the records of the target that are known by a name of it, or have the id that the log gives.
-- Of the plan mere numbers do not count: there are such names everywhere.
INSERT INTO pairs
WITH named AS (SELECT DISTINCT item, unnest(keys) AS key FROM target_rows),
     own AS (SELECT DISTINCT item, unnest(ids) AS key FROM target_rows),
     of_log AS (SELECT DISTINCT item, unnest(keys) AS key FROM log_rows),
     of_plan AS (
        SELECT DISTINCT coalesce(p.logged, p.item) AS item, s.key
        FROM planned AS p JOIN (SELECT item, unnest(keys) AS key FROM source_rows) AS s USING (item)
        WHERE NOT regexp_full_match(s.key, '\d+')),
     said AS (SELECT DISTINCT item, unnest(targets) AS key FROM log_rows)
SELECT of_log.item, named.item FROM of_log JOIN named USING (key)
UNION
SELECT of_plan.item, named.item FROM of_plan JOIN named USING (key)
UNION
SELECT said.item, own.item FROM said JOIN own USING (key);

-- name: uploads_planned
-- What was to be uploaded, each with the item of the log that goes by one of its names (NULL: none does).
CREATE TABLE planned AS
SELECT s.item, min(l.item) AS logged
FROM (SELECT item, unnest(list_append(keys, item)) AS key FROM source_rows WHERE NOT deleted) AS s
LEFT JOIN (SELECT item, unnest(keys) AS key FROM log_rows) AS l USING (key)
GROUP BY s.item;

-- name: uploads_reasons
-- Why the log says that items failed, with how many are there all the same: reason, items, false failures.
SELECT coalesce(reason, ''), count(*), count(*) FILTER (class = 'false_failure') FROM classed
WHERE said = 'failed' GROUP BY ALL ORDER BY 2 DESC, 1;

-- name: uploads_totals
-- Numbers that are counted by themselves: lines and items of the log, live things in the target (chains of versions
-- count as one), those that an item was found as, and those that several items were found as.
WITH things AS (
    SELECT coalesce(t.concept, t.item) AS thing, count(DISTINCT p.source) AS items
    FROM target AS t LEFT JOIN pairs AS p ON p.target = t.item WHERE NOT t.deleted GROUP BY ALL)
SELECT (SELECT count(*) FROM log_rows), (SELECT count(DISTINCT item) FROM log_rows), count(*),
    count(*) FILTER (items > 0), count(*) FILTER (items > 1) FROM things;

-- name: uploads_twice
-- Items that are there more than once: item, copies, the records they were found as. Parameters: limit.
SELECT item, copies, list_sort(list(target)) AS targets
FROM classed JOIN pairs ON source = item
WHERE copies > 1
GROUP BY ALL
ORDER BY item
LIMIT $limit;
