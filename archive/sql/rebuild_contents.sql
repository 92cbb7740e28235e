-- Contents of files that are here (temp.stored: sha256, sha512, bytes) (SQLite).
INSERT INTO main.contents SELECT sha256, sha512, bytes FROM temp.stored;
