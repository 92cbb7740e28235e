-- Refused bodies of the ledger (SQLite), each once though several ids may name it: name, sha256 (of NAME.json).
SELECT DISTINCT name, sha256 FROM quarantine ORDER BY name;
