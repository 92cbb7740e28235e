-- By year of publication: records, and how many have a DOI, a licence, creators.
SELECT format, publication_year, count(*) AS records, count(doi) AS with_doi, count(license) AS with_license,
       count(*) FILTER (len(creators) > 0) AS with_creators
FROM records
WHERE NOT deleted
GROUP BY format, publication_year
ORDER BY format, publication_year;
