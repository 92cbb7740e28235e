-- Identifiers that a list gave before it was cut, and no other list of its channel in its run (SQLite): identifier.
-- Uses the temporary tables that splits_ids fills. Parameters: window.
WITH wanted AS (SELECT identifier FROM temp.own EXCEPT SELECT identifier FROM temp.parts),
     elsewhere AS (
        SELECT o.identifier
        FROM windows AS top JOIN requests AS r ON r.run = top.run AND r.channel = top.channel AND r.window <> top.window
        CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
        WHERE top.window = :window AND o.identifier IN (SELECT identifier FROM wanted))
SELECT identifier FROM wanted EXCEPT SELECT identifier FROM elsewhere ORDER BY identifier;
