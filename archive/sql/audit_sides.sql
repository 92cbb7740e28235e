-- Both sides with one row an id: what its last row says; of the archive, what it last held and how it last ended.
CREATE TABLE settled_here AS
    SELECT name, identifier, arg_max(state, place) AS state, bool_or(held) AS held,
        arg_max({m: moment, d: day, o: odd}, place) FILTER (held AND kept) AS stamp,
        arg_max(state = 'deleted', place) FILTER (held) AS deleted, arg_max(request, place) AS request
    FROM asked SEMI JOIN (SELECT name, identifier FROM several WHERE side = 0) USING (name, identifier)
    GROUP BY name, identifier;
CREATE TABLE settled_there AS
    SELECT name, identifier, arg_max({m: moment, d: day, o: odd}, place) AS stamp, arg_max_null(deleted, place) AS deleted
    FROM named SEMI JOIN (SELECT name, identifier FROM several WHERE side = 1) USING (name, identifier)
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
