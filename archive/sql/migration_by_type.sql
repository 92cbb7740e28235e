-- Items of the source by type and class.
SELECT coalesce(type::VARCHAR, '') AS name, class, count(*) FROM classed GROUP BY ALL ORDER BY ALL;
