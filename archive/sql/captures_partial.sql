-- Incremental runs of a spider that never read all: they show what is new, which others could not show yet. Columns:
-- run, spider.
SELECT run, spider
FROM runs
WHERE mode = 'incremental' AND spider NOT IN (SELECT spider FROM runs WHERE mode = 'full')
ORDER BY run;
