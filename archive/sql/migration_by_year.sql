-- Items of the source by year and class.
SELECT coalesce(year::VARCHAR, '') AS name, class, count(*) FROM classed GROUP BY ALL ORDER BY ALL;
