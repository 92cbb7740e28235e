-- Ids that are the same but for what they hold: the SHA-256 of what was sent is known of both sides, and none of the
-- archive's (one a form) is that of the target. Those of another archive are of the same format, those of a list of any.
INSERT INTO compared
WITH there AS (
        SELECT format, compared_as(identifier) AS identifier, sha256 FROM items WHERE side = 1
        UNION ALL
        SELECT NULL, compared_as(identifier), arg_max(digest, place) FROM wanted GROUP BY ALL),
     differing AS (
        SELECT there.format, identifier
        FROM (SELECT format, compared_as(identifier) AS identifier, sha256 FROM items WHERE side = 0) AS here
        JOIN there USING (identifier)
        WHERE here.sha256 IS NOT NULL AND there.sha256 IS NOT NULL AND coalesce(there.format = here.format, true)
        GROUP BY there.format, identifier
        HAVING bool_and(here.sha256 <> there.sha256))
SELECT p.name, p.identifier, '*', p.state, p.request, p.moment_there, p.day_there, p.odd_there, p.deleted_there,
    p.moment_here, p.day_here, p.odd_here, p.deleted_here, 'content differs'
FROM paired AS p JOIN names USING (name)
SEMI JOIN differing AS d
    ON d.identifier = p.identifier
    AND (d.format IS NULL OR names.text = d.format OR starts_with(names.text, d.format || ':'))
WHERE p.mark = '=';
