-- How many ids each side has. One row a channel: channel, expected (the target names), live (not deleted there),
-- held (here).
SELECT text AS channel, coalesce(expected, 0) AS expected, coalesce(live, 0) AS live, coalesce(held, 0) AS held
FROM names
LEFT JOIN (SELECT name, count(*) AS expected, count(*) FILTER (deleted IS NOT true) AS live FROM there GROUP BY name)
    USING (name)
LEFT JOIN (SELECT name, count(*) AS held FROM here WHERE held GROUP BY name) USING (name)
WHERE expected > 0 OR held > 0
ORDER BY name;
