-- What is sealed cannot be read without the key.
ALTER TABLE second_factor NO FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_code NO FORCE ROW LEVEL SECURITY;
DELETE FROM second_factor;
DELETE FROM recovery_code;
ALTER TABLE second_factor FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_code FORCE ROW LEVEL SECURITY;
REVOKE UPDATE (sealed_secret) ON second_factor FROM fusecast_app;
ALTER TABLE second_factor DROP CONSTRAINT second_factor_is_sealed;
ALTER TABLE second_factor RENAME COLUMN sealed_secret TO secret;
