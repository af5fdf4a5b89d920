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
ALTER TABLE predictor_version DROP COLUMN quarantined_at;
