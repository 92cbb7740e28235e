-- The account by window, year and set as a table of index.duckdb (DuckDB), empty; filled by account_cuts_fill.sql.
-- `cut` says by what; `value` is the number of the window, the year of the datestamp or the set, NULL where an id has
-- none. `run` is NULL after all harvests: windows are those of a run, years and sets stand after all of them.
-- Law 1 is a constraint: a row whose states do not make up what was listed cannot be in it.
CREATE TABLE account_cuts (
    cut VARCHAR NOT NULL CHECK (cut IN ('window', 'year', 'set')), run INTEGER, channel VARCHAR NOT NULL,
    value VARCHAR, listed BIGINT NOT NULL, "read" BIGINT NOT NULL, deleted BIGINT NOT NULL, absent BIGINT NOT NULL,
    moved BIGINT NOT NULL, forbidden BIGINT NOT NULL, refused BIGINT NOT NULL, lost BIGINT NOT NULL,
    "open" BIGINT NOT NULL,
    CHECK ((cut = 'window') = (run IS NOT NULL)),
    CHECK (listed = "read" + deleted + absent + moved + forbidden + refused + lost + "open"));
