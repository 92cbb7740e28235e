-- What an index was made of: name, value.
SELECT name, value FROM stamp;
