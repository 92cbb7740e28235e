-- The first row of a list that names no id: place (from 0).
SELECT place FROM wanted WHERE identifier IS NULL OR identifier = '' ORDER BY place LIMIT 1;
