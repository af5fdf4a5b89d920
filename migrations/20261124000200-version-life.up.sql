-- The life of a version: stages with their history, pins, and the retention of stored files.

ALTER TABLE predictor
  -- versions that were in use before the one that is, the latest last: where a roll back goes
  ADD COLUMN earlier_version_ids uuid[] NOT NULL DEFAULT '{}',
  -- of how many of the newest READY versions the files are kept; null for all
  ADD COLUMN keep_versions integer CHECK (keep_versions BETWEEN 1 AND 1000);
GRANT UPDATE (earlier_version_ids, keep_versions) ON predictor TO fusecast_app;

ALTER TABLE predictor_version
  ADD COLUMN stage text NOT NULL DEFAULT 'DRAFT' CHECK (stage IN ('DRAFT', 'CANDIDATE', 'IN_USE', 'RETIRED')),
  ADD COLUMN in_use_since timestamptz,
  -- when retention gave the file up; the object goes right after, and object_key with it
  ADD COLUMN file_deleted_at timestamptz,
  ADD CONSTRAINT predictor_version_stage_of_ready CHECK (stage = 'DRAFT' OR status = 'READY'),
  ADD CONSTRAINT predictor_version_in_use_since CHECK ((stage = 'IN_USE') = (in_use_since IS NOT NULL)),
  ADD CONSTRAINT predictor_version_file_deleted
    CHECK (file_deleted_at IS NULL OR (status = 'READY' AND stage IN ('DRAFT', 'RETIRED'))),
  DROP CONSTRAINT predictor_version_check1,
  ADD CONSTRAINT predictor_version_ready
    CHECK ((status = 'READY') = (report IS NOT NULL AND sha256 IS NOT NULL AND size_bytes IS NOT NULL)),
  ADD CONSTRAINT predictor_version_file
    CHECK (CASE WHEN status = 'READY' THEN object_key IS NOT NULL OR file_deleted_at IS NOT NULL ELSE object_key IS NULL END);
GRANT UPDATE (stage, in_use_since, file_deleted_at) ON predictor_version TO fusecast_app;

CREATE UNIQUE INDEX predictor_version_one_in_use ON predictor_version (team_id, predictor_id) WHERE stage = 'IN_USE';
CREATE INDEX predictor_version_in_use ON predictor_version (team_id, scenario_id, in_use_since) WHERE stage = 'IN_USE';
CREATE INDEX predictor_version_object_key ON predictor_version (team_id, object_key);

-- What a version has learned never changes once it has ended. Its stage does, and its file may go: when cleaning only
-- (is_cleaning, see the file on clean-up), once, and never to come back.
CREATE OR REPLACE FUNCTION refuse_change_of_ended_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  allowed predictor_version := OLD;
BEGIN
  allowed.stage := NEW.stage;
  allowed.in_use_since := NEW.in_use_since;
  IF is_cleaning() AND OLD.file_deleted_at IS NULL AND NEW.file_deleted_at IS NOT NULL THEN
    allowed.file_deleted_at := NEW.file_deleted_at;
  END IF;
  IF is_cleaning() AND OLD.file_deleted_at IS NOT NULL AND NEW.object_key IS NULL THEN
    allowed.object_key := NULL;
  END IF;
  IF NEW IS NOT DISTINCT FROM allowed THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'Predictor version % has ended (%) and is never changed.', OLD.id, OLD.status
    USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;

-- A file that goes gives its bytes back to the team's quota; they were counted when the version became READY.
CREATE FUNCTION give_back_version_bytes() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  UPDATE team_usage SET amount = amount - OLD.size_bytes WHERE team_id = OLD.team_id AND resource = 'BYTES';
  RETURN NEW;
END
$$;
REVOKE EXECUTE ON FUNCTION give_back_version_bytes() FROM PUBLIC;
CREATE TRIGGER usage_bytes_given_back AFTER UPDATE OF file_deleted_at ON predictor_version
  FOR EACH ROW WHEN (OLD.file_deleted_at IS NULL AND NEW.file_deleted_at IS NOT NULL)
  EXECUTE FUNCTION give_back_version_bytes();

CREATE TABLE stage_change (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  predictor_id uuid NOT NULL,
  predictor_version_id uuid NOT NULL,
  from_stage text NOT NULL CHECK (from_stage IN ('DRAFT', 'CANDIDATE', 'IN_USE', 'RETIRED')),
  to_stage text NOT NULL CHECK (to_stage IN ('CANDIDATE', 'IN_USE', 'RETIRED')),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
  -- who: a person or an API key; no references, because history outlives both
  person_id uuid,
  api_key_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  FOREIGN KEY (team_id, predictor_id) REFERENCES predictor (team_id, id),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id),
  CHECK (from_stage <> to_stage),
  CHECK ((person_id IS NULL) <> (api_key_id IS NULL))
);
CREATE INDEX stage_change_predictor ON stage_change (team_id, predictor_id, id);
CREATE INDEX stage_change_version ON stage_change (team_id, predictor_version_id, id);

-- History goes with its whole team, by the reference above, and no other way.
CREATE FUNCTION refuse_change_of_stage_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND pg_trigger_depth() > 1 THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'The history of stages is only ever added to.' USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
CREATE TRIGGER stage_change_is_append_only BEFORE UPDATE OR DELETE ON stage_change
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_stage_history();
CREATE TRIGGER stage_change_is_not_truncated BEFORE TRUNCATE ON stage_change
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_stage_history();

CREATE TABLE pin (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  predictor_version_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  UNIQUE (team_id, name),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id)
);
CREATE INDEX pin_version ON pin (team_id, predictor_version_id);

CREATE FUNCTION refuse_change_of_pin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The pin % never moves.', OLD.name USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
CREATE TRIGGER pin_never_moves BEFORE UPDATE ON pin FOR EACH ROW EXECUTE FUNCTION refuse_change_of_pin();

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['stage_change', 'pin'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY own_team ON %I USING (team_id = nullif(current_setting(''app.team_id'', true), '''')::uuid)',
      tenant_table);
    -- An API key of some scenarios sees what belongs to the versions that it sees.
    EXECUTE format(
      'CREATE POLICY restricted_key ON %1$I AS RESTRICTIVE USING (
         nullif(current_setting(''app.scenario_names'', true), '''') IS NULL
         OR EXISTS (SELECT FROM predictor_version WHERE predictor_version.id = %1$I.predictor_version_id)
       )', tenant_table);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO fusecast_app', tenant_table);
  END LOOP;
END
$$;
GRANT DELETE ON pin TO fusecast_app;
