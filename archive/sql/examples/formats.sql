-- Which formats the records are held in: by combination, the records that have it.
SELECT formats, count(*) AS identifiers, min(identifier) AS first
FROM (SELECT identifier, list(DISTINCT format ORDER BY format) AS formats
      FROM records WHERE NOT deleted GROUP BY identifier)
GROUP BY formats
ORDER BY identifiers DESC, formats;
