-- Pairs that a rule found, from a spill file of one [source, target] a line, under the items of the log.
-- Parameters: path; longest (bytes of a line, at most).
INSERT INTO pairs
SELECT coalesce(p.logged, p.item), line.pair[2]
FROM read_json($path, format = 'newline_delimited', records = false, maximum_object_size = $longest,
    columns = {pair: 'VARCHAR[]'}) AS line JOIN planned AS p ON p.item = line.pair[1]
EXCEPT SELECT source, target FROM pairs;
