-- Ids by mark and reason. One row a channel, mark and reason: channel, mark, reason, ids.
SELECT channel, mark, reason, count(*) AS ids FROM compared GROUP BY ALL ORDER BY ALL;
