-- The ids of an audit whose local part ends in a number (DuckDB, after audit_compare.sql): channel, prefix (what stands
-- before the number), number, mark. Tombstones that the target no longer shows are left out.
CREATE OR REPLACE TEMP TABLE report_numbered AS
SELECT channel, split.prefix, split.number::BIGINT AS number, mark
FROM (SELECT channel, mark, regexp_extract(identifier, '^(.*?)(\d{1,18})$', ['prefix', 'number']) AS split
      FROM compared WHERE mark <> '~')
WHERE split.number <> '';
