-- What is not the same, with its reason. Of a missing id: the state that it ended in here, or deleted (a tombstone
-- there), changed since (the last harvest), never listed. Of one that differs: on which side it is newer or deleted.
CREATE VIEW marked AS
SELECT names.text AS channel, c.*,
    CASE mark
        WHEN '+' THEN CASE
            WHEN state IN ('refused', 'lost', 'open', 'forbidden') THEN state::VARCHAR
            WHEN deleted_there THEN 'deleted'
            WHEN moment_there >= CASE WHEN day_there THEN date_trunc('day', since) ELSE since END THEN 'changed since'
            WHEN state IS NOT NULL THEN state::VARCHAR
            ELSE 'never listed' END
        WHEN '*' THEN CASE
            WHEN why IS NOT NULL THEN why
            WHEN deleted_there AND NOT deleted_here THEN 'deleted there'
            WHEN deleted_here AND NOT deleted_there THEN 'live there'
            WHEN moment_there > moment_here THEN 'newer there'
            WHEN moment_there < moment_here THEN 'older there'
            ELSE 'datestamp differs' END END AS reason,
    stamp_text(moment_there, day_there, odd_there) AS datestamp_there,
    stamp_text(moment_here, day_here, odd_here) AS datestamp_here
FROM compared AS c JOIN names USING (name);
