-- When no record of a run says which files it has (SQLite): how many are in which form: format, records. No row where one
-- does, or where a list is not read to its end, or when the run says so already.
-- Parameters: run.
SELECT c.format, sum(f.found) AS records
FROM findings AS f JOIN channels AS c USING (channel)
WHERE f.run = :run AND f.code = 'form-without-files'
  AND NOT EXISTS (SELECT 1 FROM filelists WHERE run = :run)
  AND NOT EXISTS (SELECT 1 FROM windows
                  WHERE run = :run AND coalesce("end", '') NOT IN ('no files named', 'no live records'))
  AND NOT EXISTS (SELECT 1 FROM findings WHERE run = :run AND code = 'files-unnamed')
GROUP BY c.format
ORDER BY c.format;
