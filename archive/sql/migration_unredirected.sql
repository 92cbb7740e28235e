-- Items that were matched and are in no redirect: without a URL of their own, or the record there has none.
SELECT count(*) FROM classed AS c JOIN source AS s USING (item) JOIN target AS t ON t.item = c.newest
WHERE c.class = 'matched' AND (len(s.urls) = 0 OR s.urls IS NULL OR t.page IS NULL);
