-- So many ids of each stratum at random, the same ones for the same seed on any machine. Columns: local_id, identifier
-- (as lists name it, where one does), stratum. Parameters: by (as in sample_strata), seed, strata and takes (lists).
WITH known AS (
        SELECT local_id, coalesce(
            min(identifier) FILTER (split_part(channel, ':', 1) IN ('oaipmh', 'census', 'exporter')),
            min(identifier)) AS identifier
        FROM outcomes WHERE state <> 'absent' GROUP BY local_id),
     described AS (
        SELECT local_id, arg_max(publication_year, retrieved) AS year, arg_max(sets[1], retrieved) AS set_spec
        FROM records GROUP BY local_id),
     placed AS (
        SELECT local_id, identifier,
            CASE $by WHEN 'year' THEN coalesce(year::VARCHAR, 'unknown') WHEN 'set' THEN coalesce(set_spec, 'unknown')
            ELSE 'all' END AS stratum
        FROM known LEFT JOIN described USING (local_id)),
     shuffled AS (
        SELECT *, row_number() OVER (PARTITION BY stratum ORDER BY sha256($seed || ' ' || local_id)) AS place
        FROM placed),
     wanted AS (SELECT unnest($strata) AS stratum, unnest($takes) AS take)
SELECT local_id, identifier, stratum
FROM shuffled JOIN wanted USING (stratum)
WHERE place <= take
ORDER BY local_id;
