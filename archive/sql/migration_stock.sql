-- (index.duckdb) Live records of each format, and in each row how many identifiers there are in all.
SELECT format, count(*) FILTER (NOT deleted), (SELECT count(DISTINCT identifier) FROM records) FROM records
GROUP BY format;
