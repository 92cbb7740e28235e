-- Say of each record harvested more than once which version it is and which is the latest; one harvested again
-- with the same bytes is no new version: the last copy of it stays. Changes the table `versions`.
CREATE TEMP TABLE harvested AS
    WITH repeated AS (SELECT format, identifier FROM versions GROUP BY format, identifier HAVING count(*) > 1),
         compared AS (
            SELECT format, identifier, outcome,
                   (stamp, deleted, sha256) IS DISTINCT FROM lag((stamp, deleted, sha256)) OVER story AS is_new
            FROM versions SEMI JOIN repeated USING (format, identifier)
            WINDOW story AS (PARTITION BY format, identifier ORDER BY outcome)),
         counted AS (
            SELECT format, identifier, outcome,
                   count(*) FILTER (is_new) OVER (PARTITION BY format, identifier ORDER BY outcome) AS version
            FROM compared)
    SELECT outcome, version,
           row_number() OVER (PARTITION BY format, identifier, version ORDER BY outcome DESC) = 1 AS stays,
           row_number() OVER (PARTITION BY format, identifier ORDER BY outcome DESC) = 1 AS latest
    FROM counted;
DELETE FROM versions WHERE outcome IN (SELECT outcome FROM harvested WHERE NOT stays);
UPDATE versions SET version = h.version, latest = h.latest
    FROM harvested AS h WHERE versions.outcome = h.outcome AND h.stays AND NOT (h.version = 1 AND h.latest);
DROP TABLE harvested;
