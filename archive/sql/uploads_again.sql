-- Items that are to be uploaded (again).
SELECT item FROM classed WHERE class IN ('failed', 'false_success', 'never_tried') ORDER BY item;
