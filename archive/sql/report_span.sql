-- From when to when a run asked and waited (SQLite): first, last (UTC, seconds since 1970; NULL: it did neither).
-- Parameters: run.
SELECT min(moment) AS first, max(moment) AS last
FROM (SELECT CAST(strftime('%s', at) AS INTEGER) AS moment FROM requests WHERE run = :run
        AND (http_status IS NOT NULL OR reason IS NOT NULL)
      UNION ALL
      SELECT CAST(strftime('%s', began) AS INTEGER) FROM waits WHERE run = :run
      UNION ALL
      SELECT CAST(strftime('%s', began) + seconds AS INTEGER) FROM waits WHERE run = :run)
WHERE moment IS NOT NULL;
