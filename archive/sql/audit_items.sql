-- What an index (attached as known) says of the records. Parameters: side.
INSERT INTO items
SELECT $side, format, identifier, publication_year, resource_type, sets, sha256 FROM known.versions WHERE latest;
