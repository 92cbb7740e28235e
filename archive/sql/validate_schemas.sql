-- What was checked against what. One row for each: format, declared (version, NULL none), schema (NULL: not checked),
-- records, invalid, first (identifier).
SELECT format, declared, schema, count(*) AS records, count(*) FILTER (len(faults) > 0) AS invalid,
       arg_min(identifier, outcome) AS first
FROM checked
GROUP BY format, declared, schema
ORDER BY format, declared NULLS LAST, schema NULLS LAST;
