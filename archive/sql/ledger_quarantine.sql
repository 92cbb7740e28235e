-- Refused bodies that the ledger (SQLite) names, in their order.
SELECT quarantine, request, identifier, name, bytes, sha256 FROM quarantine ORDER BY quarantine;
