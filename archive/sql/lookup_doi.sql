-- Identifiers of the records that have a DOI, in the archive's one form of it.
-- Parameters: doi.
SELECT DISTINCT identifier FROM versions WHERE doi = $doi ORDER BY identifier;
