-- Items of the source by set and class; one in several sets is counted in each, one in none under the empty name.
SELECT name, class, count(*)
FROM classed, unnest(CASE WHEN len(sets) > 0 THEN sets ELSE [''] END) AS s(name) GROUP BY ALL ORDER BY ALL;
