-- Channels of the old ledger (attached as old) that can be read (SQLite).
INSERT OR IGNORE INTO main.channels (channel, name, format, set_spec)
SELECT channel, name, format, set_spec FROM old.channels
WHERE channel > 0 AND name LIKE '%:%' AND name NOT LIKE 'census:%';
