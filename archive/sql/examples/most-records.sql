-- Creators with an ORCID who are named in most records, and under which names.
SELECT orcid, count(DISTINCT identifier) AS records, list(DISTINCT name ORDER BY name)[:5] AS names
FROM creators
WHERE orcid IS NOT NULL
GROUP BY orcid
ORDER BY records DESC, orcid
LIMIT 50;
