-- The ledger as its own target: every id that was listed or asked for, unless the provider said that it is not there.
CREATE OR REPLACE VIEW there AS
    SELECT name, identifier, NULL::TIMESTAMP AS moment, NULL::BOOLEAN AS day, NULL::VARCHAR AS odd,
        NULL::BOOLEAN AS deleted
    FROM here WHERE state NOT IN ('absent', 'moved', 'forbidden');
