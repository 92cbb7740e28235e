-- Both sides where no id has more rows than one.
CREATE VIEW here AS
    SELECT name, identifier, state, held, moment, day, odd, state = 'deleted' AS deleted, request FROM asked;
CREATE VIEW there AS SELECT name, identifier, moment, day, odd, deleted FROM named;
