-- Every id with its mark once the two sides are compared.
CREATE VIEW every AS
SELECT name, identifier, mark, request, moment_there, day_there, odd_there, deleted_there, moment_here, day_here,
    odd_here, deleted_here
FROM compared
UNION ALL
SELECT name, identifier, mark, request, moment_there, day_there, odd_there, deleted_there, moment_here, day_here,
    odd_here, deleted_here
FROM (SELECT * FROM paired WHERE mark = '=')
    ANTI JOIN (SELECT name, identifier FROM compared WHERE why IS NOT NULL) USING (name, identifier);
