-- The missing ids, each once, in order.
SELECT DISTINCT identifier FROM compared WHERE mark = '+' ORDER BY identifier;
