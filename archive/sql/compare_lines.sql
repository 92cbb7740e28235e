-- Every identifier and format with its kind: identifier, format, kind.
SELECT identifier, format, kind FROM compared ORDER BY identifier, format;
