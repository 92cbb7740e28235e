-- Files of records that are not held and why, those that nobody asked for included.
WITH missing AS (
        SELECT identifier, "key", state, size,
               regexp_replace(reason, 'https?://\S+ |, at byte \d+ of \w+', '', 'g') AS reason
        FROM downloads WHERE state <> 'read'
        UNION ALL
        SELECT identifier, "key", 'never asked for', max(size), NULL
        FROM files ANTI JOIN downloads USING (identifier, "key") GROUP BY identifier, "key")
SELECT state, reason, count(*) AS files, sum(size) AS bytes_stated, min(identifier) AS first
FROM missing
GROUP BY ALL
ORDER BY files DESC, state
LIMIT 200;
