-- Some pairs whose values differ: item, target, old, new. Parameters: field, limit.
SELECT item, newest, old, new FROM judged WHERE field = $field AND judgement IN ('different', 'only_old')
ORDER BY judgement, item LIMIT $limit;
