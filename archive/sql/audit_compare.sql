-- All classes but that of the same, in one pass over a part of both sides.
INSERT INTO compared
SELECT name, identifier, mark, state, request, moment_there, day_there, odd_there, deleted_there, moment_here, day_here,
    odd_here, deleted_here, NULL
FROM paired WHERE mark <> '=';
