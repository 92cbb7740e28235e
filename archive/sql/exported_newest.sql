-- The newest run that took a provider's dump of all records whole (SQLite): run, made.
SELECT run, provider_started AS made
FROM runs
WHERE spider = 'exporter' AND mode <> 'census' AND state IN ('complete', 'findings') AND provider_started IS NOT NULL
  AND arguments ->> '$.sample' IS NULL AND arguments ->> '$.shard' IS NULL
  AND EXISTS (SELECT 1 FROM windows AS w JOIN channels AS c USING (channel)
              WHERE w.run = runs.run AND w.state = 'done' AND c.set_spec IS NULL AND c.name <> 'exporter:deleted')
ORDER BY run DESC
LIMIT 1;
