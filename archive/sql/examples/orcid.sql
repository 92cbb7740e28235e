-- Creators by format: how many have an ORCID, and in how many records the first one has.
SELECT format, count(*) AS creators, count(orcid) AS with_orcid, count(DISTINCT orcid) AS orcids,
       round(100.0 * count(orcid) / count(*), 2) AS percent, count(DISTINCT identifier) AS records,
       count(*) FILTER (position = 1 AND orcid IS NOT NULL) AS first_with_orcid
FROM creators
GROUP BY format
ORDER BY format;
