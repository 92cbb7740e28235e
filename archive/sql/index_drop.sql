-- What of an old index is made anew in any case.
DROP INDEX IF EXISTS versions_by_identifier;
DELETE FROM account;
DELETE FROM stamp;
DELETE FROM account_cuts;
