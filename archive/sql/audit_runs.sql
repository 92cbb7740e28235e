-- The runs of a ledger (SQLite): run, mode, since (when it began, by the provider's clock where that is known), first,
-- last (its outcomes, NULL without any).
SELECT runs.run, mode, coalesce(provider_started, started) AS since, min(first_outcome) AS first,
       max(last_outcome) AS last
FROM runs LEFT JOIN requests AS r USING (run) GROUP BY runs.run ORDER BY runs.run;
