-- The ids of an audit as its report counts them (DuckDB, within the audit): name (of the channel, in names), prefix and
-- number (what an id that ends in a number is made of; NULL of others), mark, month of the datestamp, there or else
-- here ("2024-05"; NULL: neither side has one). Tombstones that the target no longer shows are left out.
CREATE OR REPLACE TEMP TABLE report_ids AS
SELECT name, CASE WHEN split.number <> '' THEN split.prefix END AS prefix, try_cast(split.number AS BIGINT) AS number,
       mark, strftime(coalesce(moment_there, moment_here), '%Y-%m') AS month
FROM (SELECT *, regexp_extract(identifier, '^(.*?)(\d{1,18})$', ['prefix', 'number']) AS split
      FROM every WHERE mark <> '~');
