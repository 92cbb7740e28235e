-- Items of the source and the records of the target that the rule brought together, in order.
SELECT source, target FROM pairs ORDER BY ALL;
