-- Local ids of items that are not in the target.
SELECT DISTINCT local_id FROM classed WHERE class IN ('missing', 'gone') ORDER BY local_id;
