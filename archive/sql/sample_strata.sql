-- The ids that any channel has listed or asked for, but for those that are absent, by year of publication or by first
-- set of the newest record. Columns: stratum, ids. Parameters: by (year, set, or none for all in one).
WITH known AS (SELECT DISTINCT local_id FROM outcomes WHERE state <> 'absent'),
     described AS (
        SELECT local_id, arg_max(publication_year, retrieved) AS year, arg_max(sets[1], retrieved) AS set_spec
        FROM records GROUP BY local_id)
SELECT CASE $by WHEN 'year' THEN coalesce(year::VARCHAR, 'unknown') WHEN 'set' THEN coalesce(set_spec, 'unknown')
    ELSE 'all' END AS stratum, count(*) AS ids
FROM known LEFT JOIN described USING (local_id)
GROUP BY stratum
ORDER BY stratum;
