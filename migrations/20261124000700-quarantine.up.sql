-- A version whose stored file does not have its SHA-256 any more is quarantined: it answers nothing until the file is
-- whole again, by training anew or from a backup. The file's damage is no change of the version, and may be undone.
ALTER TABLE predictor_version
  ADD COLUMN quarantined_at timestamptz,
  ADD CONSTRAINT predictor_version_quarantined CHECK (quarantined_at IS NULL OR status = 'READY');
GRANT UPDATE (quarantined_at) ON predictor_version TO fusecast_app;

CREATE OR REPLACE FUNCTION refuse_change_of_ended_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  allowed predictor_version := OLD;
BEGIN
  allowed.stage := NEW.stage;
  allowed.in_use_since := NEW.in_use_since;
  allowed.quarantined_at := NEW.quarantined_at;
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
