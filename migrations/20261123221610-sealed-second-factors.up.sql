-- Secrets of second factors are kept sealed (src/sealing.ts). Those that lay here readable, in databases and backups of
-- before, are worth nothing any more, and SQL cannot seal them: their owners enrol again. No release has kept any.
ALTER TABLE second_factor NO FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_code NO FORCE ROW LEVEL SECURITY;
DELETE FROM second_factor;
DELETE FROM recovery_code;
ALTER TABLE second_factor FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_code FORCE ROW LEVEL SECURITY;
ALTER TABLE second_factor RENAME COLUMN secret TO sealed_secret;
-- <name of the key>.<nonce, ciphertext and tag>
ALTER TABLE second_factor
  ADD CONSTRAINT second_factor_is_sealed CHECK (sealed_secret ~ '^[0-9a-f]{8}\.[A-Za-z0-9_-]{40,}$');
-- Each use seals it anew, so that a new key takes over.
GRANT UPDATE (sealed_secret) ON second_factor TO fusecast_app;
