-- How many there are of each kind. One row a format and kind: format, kind, records.
SELECT format, kind, count(*) AS records FROM compared GROUP BY ALL ORDER BY ALL;
