-- How many ids there are more than once: side (0 here, 1 there), ids.
SELECT side, count(*) AS ids FROM twice GROUP BY side;
