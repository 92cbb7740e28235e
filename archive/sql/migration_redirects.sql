-- Old URL, new URL of every item that was matched, in order; of a chain the page of its last version. A document leads
-- to the file of that version with its checksum, else to the only one with its name, else to the page.
WITH moved AS (
        SELECT c.item, c.newest, s.urls, s.documents, t.page, t.documents AS there
        FROM classed AS c JOIN source AS s USING (item) JOIN target AS t ON t.item = c.newest
        WHERE c.class = 'matched'),
     pages AS (SELECT DISTINCT u.url AS old_url, m.page AS new_url FROM moved AS m, unnest(m.urls) AS u(url)),
     olds AS (
        SELECT m.item, m.page, d.doc."name" AS "name", d.doc.checksum AS checksum, unnest(d.doc.urls) AS old_url
        FROM moved AS m, unnest(m.documents) AS d(doc)),
     news AS (
        SELECT m.item, d.doc."name" AS "name", d.doc.checksum AS checksum, d.doc.place AS place
        FROM moved AS m, unnest(m.there) AS d(doc)),
     same AS (
        SELECT item, checksum, min(place) AS place FROM news WHERE checksum IS NOT NULL GROUP BY item, checksum),
     named AS (SELECT item, "name", min(place) AS place FROM news GROUP BY item, "name" HAVING count(*) = 1),
     files AS (
        SELECT DISTINCT o.old_url, coalesce(same.place, named.place, o.page) AS new_url
        FROM olds AS o LEFT JOIN same ON same.item = o.item AND same.checksum = o.checksum
        LEFT JOIN named ON named.item = o.item AND named."name" = o."name"
        WHERE o.old_url NOT IN (SELECT old_url FROM pages))
SELECT old_url, new_url FROM (FROM pages UNION FROM files) WHERE new_url IS NOT NULL ORDER BY ALL;
