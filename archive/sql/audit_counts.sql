-- Ids by mark and reason, the same ones left out. One row a channel, mark and reason: channel, mark, reason, ids.
SELECT channel, mark, reason, count(*) AS ids FROM marked GROUP BY ALL ORDER BY ALL;
