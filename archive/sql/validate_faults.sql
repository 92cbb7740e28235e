-- Everything that is not valid, record by record: identifier, format, declared, place, rule, message.
SELECT identifier, format, declared, fault.place AS place, fault.rule AS rule, fault.message AS message
FROM (SELECT identifier, format, declared, outcome, unnest(faults) AS fault FROM checked WHERE len(faults) > 0)
ORDER BY outcome, place, rule, message;
