-- The formats that records are held in. One row a format: format, by name.
SELECT DISTINCT format FROM records ORDER BY format;
