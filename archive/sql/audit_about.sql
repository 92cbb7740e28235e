-- What is known of items, one row an id as it is compared; the archive's word counts before that of its target.
CREATE TABLE about AS
SELECT compared_as(identifier) AS identifier, arg_min(year, side) AS year, arg_min(type, side) AS type,
    arg_min(sets, side) AS sets
FROM items GROUP BY compared_as(identifier);
