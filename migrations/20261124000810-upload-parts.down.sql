DROP POLICY changed_only_when_cleaning ON upload;
REVOKE UPDATE (part_sha256s) ON upload FROM fusecast_app;
DROP INDEX upload_parts;
ALTER TABLE upload DROP COLUMN part_sha256s;
