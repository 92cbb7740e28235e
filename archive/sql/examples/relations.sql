-- What records say of their relation to others, by kind.
SELECT format, relation_type, scheme, count(*) AS relations, count(DISTINCT identifier) AS records, min(target) AS first
FROM relations
GROUP BY ALL
ORDER BY format, relations DESC, relation_type, scheme;
