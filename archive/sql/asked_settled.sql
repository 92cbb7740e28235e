-- The ids of a window whose last outcome in it is an end state (SQLite). What is refused has its answer.
-- Parameters: window.
SELECT identifier
FROM (SELECT o.identifier, o.state, max(o.outcome)
      FROM requests AS r JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
      WHERE r.window = :window
      GROUP BY o.identifier)
WHERE state NOT IN ('open', 'lost');
