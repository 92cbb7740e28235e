-- The channels of a ledger (SQLite): channel, name, format, set_spec, since (when the last run in it that was no census
-- began, by the provider's clock where that is known; NULL without any).
SELECT c.channel, c.name, c.format, c.set_spec,
       (SELECT max(coalesce(runs.provider_started, runs.started)) FROM windows AS w JOIN runs USING (run)
        WHERE w.channel = c.channel AND runs.mode <> 'census') AS since
FROM channels AS c ORDER BY c.channel;
