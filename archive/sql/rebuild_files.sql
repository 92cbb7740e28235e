-- Files of the lists that were taken over (SQLite); one whose content is not here is lost.
INSERT INTO main.files (run, identifier, key, url, size, checksum, media_type, version, state, reason, sha256, bytes,
                        etag, at)
SELECT f.run, f.identifier, f.key, f.url, f.size, f.checksum, f.media_type, f.version,
       iif(f.state = 'read' AND s.sha256 IS NULL, 'lost', f.state),
       iif(f.state = 'read' AND s.sha256 IS NULL, 'its content was damaged', f.reason),
       iif(f.state = 'read', s.sha256, NULL), iif(f.state = 'read', s.bytes, NULL), f.etag, f.at
FROM old.files AS f
JOIN main.filelists AS l ON l.run = f.run AND l.identifier = f.identifier
LEFT JOIN temp.stored AS s ON s.sha256 = f.sha256
ORDER BY f.file;
