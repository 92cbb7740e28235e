-- Both sides with one row an id: its latest state; of the archive, what it last held and how it last ended. The latest
-- state is what its last row says, unless `chosen` has another one. Rows without a copy of their own count only where
-- there is no copy.
CREATE TABLE settled_here AS
    WITH ranked AS (
        SELECT a.*, a.place + CASE WHEN c.outcome IS NOT NULL THEN 1::BIGINT << 60 WHEN a.kept THEN 1::BIGINT << 59 ELSE 0 END AS rank
        FROM (SELECT * FROM asked
              SEMI JOIN (SELECT name, identifier FROM several WHERE side = 0) USING (name, identifier)) AS a
             LEFT JOIN (SELECT outcome FROM chosen WHERE side = 0) AS c ON c.outcome = a.place)
    SELECT name, identifier,
        CASE WHEN arg_max(held, place) THEN arg_max(state, rank) FILTER (held) ELSE arg_max(state, place) END AS state,
        bool_or(held) AS held, arg_max({m: moment, d: day, o: odd}, rank) FILTER (held AND kept) AS stamp,
        arg_max(state = 'deleted', rank) FILTER (held) AS deleted, arg_max(request, place) AS request
    FROM ranked
    GROUP BY name, identifier;
CREATE TABLE settled_there AS
    WITH ranked AS (
        SELECT n.*, n.place + CASE WHEN c.outcome IS NOT NULL THEN 1::BIGINT << 60 WHEN n.kept THEN 1::BIGINT << 59 ELSE 0 END AS rank
        FROM (SELECT * FROM named
              SEMI JOIN (SELECT name, identifier FROM several WHERE side = 1) USING (name, identifier)) AS n
             LEFT JOIN (SELECT outcome FROM chosen WHERE side = 1) AS c ON c.outcome = n.place)
    SELECT name, identifier, arg_max({m: moment, d: day, o: odd}, rank) AS stamp, arg_max_null(deleted, rank) AS deleted
    FROM ranked
    GROUP BY name, identifier;
CREATE VIEW here AS
    SELECT name, identifier, state, held, moment, day, odd, state = 'deleted' AS deleted, request
    FROM asked ANTI JOIN settled_here USING (name, identifier)
    UNION ALL
    SELECT name, identifier, state, held, stamp.m, stamp.d, stamp.o, deleted, request FROM settled_here;
CREATE VIEW there AS
    SELECT name, identifier, moment, day, odd, deleted FROM named ANTI JOIN settled_there USING (name, identifier)
    UNION ALL
    SELECT name, identifier, stamp.m, stamp.d, stamp.o, deleted FROM settled_there;
