-- Which kinds of datestamps there are, one row: days (some name no time of day), odds (some are no time).
SELECT bool_or(day) AS days, bool_or(odd) AS odds
FROM (SELECT coalesce(bool_or(day), false) AS day, count(odd) > 0 AS odd FROM outcomes
      UNION ALL SELECT coalesce(bool_or(day), false), count(odd) > 0 FROM wanted);
