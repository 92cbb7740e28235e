-- Say of each record in `repeated` which of its copies are versions, and which is the latest: that with the highest
-- outcome, unless `chosen` has another one, which then has the last version number. One harvested again with the
-- same bytes is no new version: the last copy of it stays, what is known of the others goes to `repeats`. Temporary
-- table `settled`: outcome, whole (its record is in `versions`), version, since, stays, latest.
CREATE TEMP TABLE settled AS
    WITH copies AS (
            SELECT format, identifier, outcome, stamp, deleted, sha256, retrieved, true AS whole, c.outcome IS NOT NULL AS won
            FROM versions SEMI JOIN repeated USING (format, identifier) LEFT JOIN chosen AS c USING (outcome)
            UNION ALL
            SELECT format, identifier, outcome, stamp, deleted, sha256, retrieved, false, c.outcome IS NOT NULL
            FROM repeats SEMI JOIN repeated USING (format, identifier) LEFT JOIN chosen AS c USING (outcome)),
         compared AS (
            SELECT format, identifier, outcome, retrieved, whole, won,
                   (stamp, deleted, sha256) IS DISTINCT FROM lag((stamp, deleted, sha256)) OVER story AS is_new
            FROM copies
            WINDOW story AS (PARTITION BY format, identifier ORDER BY won, outcome)),
         counted AS (
            SELECT format, identifier, outcome, retrieved, whole, won,
                   count(*) FILTER (is_new) OVER (PARTITION BY format, identifier ORDER BY won, outcome) AS version
            FROM compared)
    SELECT outcome, whole, version, min(retrieved) OVER (PARTITION BY format, identifier, version) AS since,
           row_number() OVER (PARTITION BY format, identifier, version ORDER BY won DESC, outcome DESC) = 1 AS stays,
           row_number() OVER (PARTITION BY format, identifier ORDER BY won DESC, outcome DESC) = 1 AS latest
    FROM counted;
INSERT INTO repeats BY NAME
    SELECT identifier, format, outcome, stamp, deleted, sha256, retrieved, run, shard, frame, position, hash,
           datestamp, sets
    FROM versions SEMI JOIN (SELECT outcome FROM settled WHERE whole AND NOT stays) USING (outcome);
DELETE FROM versions WHERE outcome IN (SELECT outcome FROM settled WHERE whole AND NOT stays);
UPDATE versions SET version = s.version, latest = s.latest, since = s.since
    FROM settled AS s
    WHERE versions.outcome = s.outcome AND s.stays
      AND (versions.version, versions.latest, versions.since) IS DISTINCT FROM (s.version, s.latest, s.since);
