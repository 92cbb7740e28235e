-- Contents that some file has (SQLite), once each: sha256, sha512, bytes.
SELECT sha256, sha512, bytes FROM contents ORDER BY sha256;
