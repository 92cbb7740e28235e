-- Ids that one list has more than once: a window, in one attempt at it. Two windows may overlap, and a run may list an
-- id again because it changed meanwhile.
INSERT INTO twice
SELECT side, name, identifier, max(times)
FROM (
    SELECT o.side, o.name, compared_as(o.identifier) AS identifier, r.run, r.channel, r."window", r.attempt,
        count(*) AS times
    FROM outcomes AS o JOIN requests AS r ON r.side = o.side AND r.request = o.request
    SEMI JOIN several AS s
        ON s.side = o.side AND s.name = o.name AND s.identifier = compared_as(o.identifier)
    WHERE o.kept AND o.state IN ('read', 'deleted')
    GROUP BY ALL
    UNION ALL
    SELECT 1, name, compared_as(identifier), NULL, NULL, NULL, NULL, count(*) FROM wanted GROUP BY ALL HAVING count(*) > 1)
WHERE times > 1
GROUP BY side, name, identifier;
