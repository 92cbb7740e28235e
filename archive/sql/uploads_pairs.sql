-- Each item with the records of the target that are known by a name of it, or have the id that the log gives.
-- Of the plan mere numbers do not count: there are such names everywhere.
INSERT INTO pairs
WITH named AS (SELECT DISTINCT item, unnest(keys) AS key FROM target_rows),
     own AS (SELECT DISTINCT item, unnest(ids) AS key FROM target_rows),
     of_log AS (SELECT DISTINCT item, unnest(keys) AS key FROM log_rows),
     of_plan AS (
        SELECT DISTINCT coalesce(p.logged, p.item) AS item, s.key
        FROM planned AS p JOIN (SELECT item, unnest(keys) AS key FROM source_rows) AS s USING (item)
        WHERE NOT regexp_full_match(s.key, '\d+')),
     said AS (SELECT DISTINCT item, unnest(targets) AS key FROM log_rows)
SELECT of_log.item, named.item FROM of_log JOIN named USING (key)
UNION
SELECT of_plan.item, named.item FROM of_plan JOIN named USING (key)
UNION
SELECT said.item, own.item FROM said JOIN own USING (key);
