-- Windows of the ledger (SQLite) in the order they were opened, each with the name of its channel.
SELECT window, run, c.name AS channel, parent, verb, from_, until, state, end, listed, distinct_ids, stated, pages,
       attempts, opened, closed
FROM windows JOIN channels AS c USING (channel)
ORDER BY window;
