-- Pairs by field and judgement.
SELECT field, judgement, count(*) FROM judged GROUP BY ALL;
