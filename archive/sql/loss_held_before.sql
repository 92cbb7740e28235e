-- Whether an earlier harvest asked for anything in a channel, or in one that it is compared with (SQLite): 0 or 1.
-- Parameters: run, channel.
SELECT EXISTS (
    SELECT 1 FROM channels AS c JOIN channels AS p
        ON p.channel = c.channel
        OR ((c.name GLOB 'oaipmh:*' OR c.name GLOB 'census:*') AND p.name GLOB 'oaipmh:*'
            AND p.format = c.format AND (c.set_spec IS NULL OR p.set_spec = c.set_spec))
    JOIN requests AS r ON r.channel = p.channel
    WHERE c.channel = :channel AND p.name NOT GLOB 'census:*' AND r.run < :run);
