-- Ids with more rows than one, on each side, of a part of both sides. Nearly always there are few: a sort of 64 bits an
-- id finds those that may be, and only these are counted.
INSERT INTO several
WITH here AS (
        SELECT h FROM (SELECT h, lag(h) OVER (ORDER BY h) AS before
                       FROM (SELECT hash(name, identifier) AS h FROM asked WHERE in_part(identifier)))
        WHERE h = before),
     there AS (
        SELECT h FROM (SELECT h, lag(h) OVER (ORDER BY h) AS before
                       FROM (SELECT hash(name, identifier) AS h FROM named WHERE in_part(identifier)))
        WHERE h = before)
SELECT 0, name, identifier FROM asked
WHERE hash(name, identifier) IN (SELECT h FROM here) GROUP BY ALL HAVING count(*) > 1
UNION ALL
SELECT 1, name, identifier FROM named
WHERE hash(name, identifier) IN (SELECT h FROM there) GROUP BY ALL HAVING count(*) > 1;
