-- Old URL, new URL of every item that was matched, in order; of a chain the page of its last version.
SELECT DISTINCT u.url AS old_url, t.page AS new_url
FROM classed AS c JOIN source AS s USING (item) JOIN target AS t ON t.item = c.newest, unnest(s.urls) AS u(url)
WHERE c.class = 'matched' AND t.page IS NOT NULL ORDER BY ALL;
