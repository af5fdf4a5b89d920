-- The audit log: who changed what, from where and when. Rows are only ever added.

CREATE TABLE audit_entry (
  id uuid PRIMARY KEY,
  -- none for what a person did with their own account
  team_id uuid REFERENCES team ON DELETE CASCADE,
  -- who: a person, an API key, or neither for the service itself; no references, because entries outlive both
  person_id uuid,
  api_key_id uuid,
  -- the name of the mutation, or of the job
  action text NOT NULL CHECK (length(action) BETWEEN 1 AND 100),
  subject_type text,
  subject_id uuid,
  -- never a secret
  details jsonb NOT NULL DEFAULT '{}',
  request_id text,
  address inet,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (person_id IS NULL OR api_key_id IS NULL),
  CHECK (team_id IS NOT NULL OR person_id IS NOT NULL),
  CHECK ((subject_type IS NULL) = (subject_id IS NULL))
);
CREATE INDEX audit_entry_team ON audit_entry (team_id, id);
CREATE INDEX audit_entry_subject ON audit_entry (team_id, subject_id, id);

ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY own_team ON audit_entry
  USING (team_id = nullif(current_setting('app.team_id', true), '')::uuid);
CREATE POLICY own_account ON audit_entry
  USING (team_id IS NULL AND person_id = nullif(current_setting('app.person_id', true), '')::uuid);
GRANT SELECT, INSERT ON audit_entry TO fusecast_app;

-- The role has no right to change entries; this refuses it to everybody else too. Entries go with their whole team, by
-- the reference above, and no other way.
CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND pg_trigger_depth() > 1 THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'The audit log is only ever added to.' USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
CREATE TRIGGER audit_entry_is_append_only BEFORE UPDATE OR DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit_log();
CREATE TRIGGER audit_entry_is_not_truncated BEFORE TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log();
