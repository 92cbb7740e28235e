-- What the provider stated last about the rights in its metadata, in Identify. One row a statement: message.
SELECT DISTINCT message
FROM findings
WHERE code = 'rights-stated' AND run = (SELECT max(run) FROM findings WHERE code = 'rights-stated')
ORDER BY message;
