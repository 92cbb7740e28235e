-- Which shards hold newest records of which channel (SQLite; temp.latest is filled): channel, format, shard, name, from
-- the first shard.
SELECT l.channel, c.format, s.shard, s.name
FROM frames AS f
     JOIN latest AS l ON l.outcome BETWEEN f.first_outcome AND f.last_outcome
     JOIN channels AS c USING (channel)
     JOIN shards AS s USING (shard)
GROUP BY l.channel, s.shard
ORDER BY s.shard, l.channel;
