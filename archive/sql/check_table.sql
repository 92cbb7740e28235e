-- Whether a table is the same in two indexes, attached as `held` and `made`: rows and the sum of their hashes, of both.
-- {table} is its name.
SELECT (SELECT count(*) FROM held.{table}), (SELECT sum(hash(t)::HUGEINT) FROM held.{table} AS t),
       (SELECT count(*) FROM made.{table}), (SELECT sum(hash(t)::HUGEINT) FROM made.{table} AS t);
