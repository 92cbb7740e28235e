-- Records (or versions: {table}) without what has tables of its own; month is the one in which the version came.
SELECT v.* EXCLUDE (all_identifiers, all_creators, all_subjects, all_relations, all_files),
       strftime(coalesce(v.since, v.retrieved), '%Y-%m') AS month
FROM versions AS v
WHERE v.latest OR '{table}' = 'versions'
