-- Fill two temporary tables (SQLite) with the identifiers that a list gave before it was cut (own), and with those
-- that its parts gave (parts). Of a list without bounds every other list of its channel in its run is a part.
-- Parameters: window.
DROP TABLE IF EXISTS temp.own;
DROP TABLE IF EXISTS temp.parts;
CREATE TEMP TABLE own AS
    SELECT DISTINCT o.identifier
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.window = :window AND r.state = 'read';
CREATE TEMP TABLE parts AS
    WITH RECURSIVE below AS (
        SELECT window, false AS is_part FROM windows WHERE window = :window
        UNION ALL
        SELECT w.window, true FROM below AS b JOIN windows AS w ON w.parent = b.window),
    whole AS (
        SELECT w.window FROM windows AS w JOIN windows AS top ON top.window = :window
        WHERE top.from_ IS NULL AND top.until IS NULL AND w.run = top.run AND w.channel = top.channel
          AND w.window <> top.window)
    SELECT DISTINCT o.identifier
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.window IN (SELECT window FROM below WHERE is_part UNION SELECT window FROM whole);
