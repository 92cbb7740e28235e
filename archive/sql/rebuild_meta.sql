-- What the old ledger (attached as old) said of itself, but for its format version (SQLite).
INSERT OR IGNORE INTO main.meta SELECT key, value FROM old.meta WHERE key IN ('crosswalks');
