-- What a run found of the records that were held live before it in one channel (SQLite): name, held, gone, first_gone,
-- unnamed, first_unnamed. Held live is: the last outcome of an earlier harvest that says anything of the record says
-- that it was read. Gone: the last outcome of the run is deleted, absent or forbidden. Unnamed: the run has no outcome
-- for it; where an earlier harvest accepted that records are no longer listed, or a search that told of them, only those
-- count that were listed since.
-- A list without a set, and a census, are compared with the lists of the same format.
-- Parameters: run, channel.
WITH peers AS (
    SELECT p.channel, p.name
    FROM channels AS c JOIN channels AS p
        ON p.channel = c.channel
        OR ((c.name GLOB 'oaipmh:*' OR c.name GLOB 'census:*') AND (p.name GLOB 'oaipmh:*' OR p.name GLOB 'census:*')
            AND p.format = c.format AND (c.set_spec IS NULL OR p.set_spec = c.set_spec))
    WHERE c.channel = :channel),
accepted AS (
    SELECT max(run) AS run FROM findings JOIN runs USING (run)
    WHERE code IN ('vanished-accepted', 'no-longer-found') AND mode <> 'census' AND run < :run
      AND findings.channel IN (SELECT channel FROM peers)),
before AS (
    SELECT o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run < :run AND r.channel IN (SELECT channel FROM peers WHERE name NOT GLOB 'census:*')
      AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
      AND o.state IN ('read', 'deleted', 'absent', 'moved', 'forbidden')
    GROUP BY o.identifier),
since AS (
    SELECT DISTINCT o.identifier
    FROM accepted JOIN requests AS r ON r.run >= accepted.run AND r.run < :run
    CROSS JOIN outcomes AS o
    WHERE r.channel IN (SELECT channel FROM peers) AND o.outcome BETWEEN r.first_outcome AND r.last_outcome),
now AS (
    SELECT o.identifier, o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o
    WHERE r.run = :run AND r.channel IN (SELECT channel FROM peers)
      AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
    GROUP BY o.identifier),
found AS (
    SELECT b.identifier, n.state IN ('deleted', 'absent', 'forbidden') AS gone,
           n.identifier IS NULL AND ((SELECT run FROM accepted) IS NULL
               OR b.identifier IN (SELECT identifier FROM since)) AS unnamed
    FROM before AS b LEFT JOIN now AS n USING (identifier)
    WHERE b.state = 'read')
SELECT (SELECT name FROM channels WHERE channel = :channel) AS name, count(*) AS held,
       count(*) FILTER (WHERE gone) AS gone, min(identifier) FILTER (WHERE gone) AS first_gone,
       count(*) FILTER (WHERE unnamed) AS unnamed, min(identifier) FILTER (WHERE unnamed) AS first_unnamed
FROM found;
