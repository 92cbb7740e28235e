-- The ledger as its own target: every id that was listed or asked for, unless the provider said that it is not there.
INSERT INTO wanted
SELECT channel, identifier, NULL, NULL, max(place) FROM outcomes GROUP BY channel, identifier
HAVING arg_max(state, place) NOT IN ('absent', 'moved', 'forbidden');
