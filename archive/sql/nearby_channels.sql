-- The channels (SQLite), by name: name, windows, and how many of these are open or lost.
SELECT c.name, count(w.window) AS windows, coalesce(sum(w.state IN ('open', 'lost')), 0) AS unsettled
FROM channels AS c LEFT JOIN windows AS w USING (channel)
GROUP BY c.channel
ORDER BY c.name;
