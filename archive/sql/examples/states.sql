-- How the ids of each channel stand after the latest run of it; the states add up to listed.
SELECT channel, run, listed, "read", deleted, absent, moved, forbidden, refused, lost, "open", balanced
FROM account
WHERE channel IS NOT NULL
QUALIFY run = max(run) OVER (PARTITION BY channel)
ORDER BY channel;
