-- Large files come in parts, so that one that was interrupted goes on. The digest of each part, in order; null for a file
-- that comes whole, and once its parts have been cleaned up.

ALTER TABLE upload ADD COLUMN part_sha256s text[] CHECK (cardinality(part_sha256s) >= 2);
CREATE INDEX upload_parts ON upload (team_id, sha256) WHERE part_sha256s IS NOT NULL;
GRANT UPDATE (part_sha256s) ON upload TO fusecast_app;
CREATE POLICY changed_only_when_cleaning ON upload AS RESTRICTIVE FOR UPDATE
  USING (is_cleaning() AND created_at < now() - interval '1 day');
