-- Each item of the target with the number of live items of the source that claim it. A chain of versions is one thing:
-- records of one concept, or one record without.
CREATE TABLE claims AS
    SELECT t.item AS target, t.deleted, coalesce(t.concept, t.item) AS chain,
        count(s.item) FILTER (NOT s.deleted) AS claimants
    FROM target AS t LEFT JOIN pairs AS p ON p.target = t.item LEFT JOIN source AS s ON s.item = p.source
    GROUP BY ALL;
