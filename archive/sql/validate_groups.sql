-- What is not valid, alike things together, the most frequent first: declared, schema, place, rule, records, first
-- (identifier), message (of the first).
SELECT declared, fault.schema AS schema, fault.place AS place, fault.rule AS rule, count(DISTINCT outcome) AS records,
       arg_min(identifier, outcome) AS first, arg_min(fault.message, outcome) AS message
FROM (SELECT declared, identifier, outcome, unnest(faults) AS fault FROM checked WHERE len(faults) > 0)
GROUP BY declared, fault.schema, fault.place, fault.rule
ORDER BY records DESC, declared, schema, place, rule;
