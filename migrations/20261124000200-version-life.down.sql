DROP TABLE pin, stage_change;
DROP FUNCTION refuse_change_of_pin();
DROP FUNCTION refuse_change_of_stage_history();
DROP TRIGGER usage_bytes_given_back ON predictor_version;
DROP FUNCTION give_back_version_bytes();
CREATE OR REPLACE FUNCTION refuse_change_of_ended_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Predictor version % has ended (%) and is never changed.', OLD.id, OLD.status
    USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
ALTER TABLE predictor_version
  DROP CONSTRAINT predictor_version_file,
  DROP CONSTRAINT predictor_version_ready,
  -- Versions whose file went stay; no new ones are made.
  ADD CONSTRAINT predictor_version_check1 CHECK (
    (status = 'READY') = (report IS NOT NULL AND object_key IS NOT NULL AND sha256 IS NOT NULL AND size_bytes IS NOT NULL)
  ) NOT VALID,
  DROP COLUMN file_deleted_at,
  DROP COLUMN in_use_since,
  DROP COLUMN stage;
DROP INDEX predictor_version_object_key;
ALTER TABLE predictor DROP COLUMN keep_versions, DROP COLUMN earlier_version_ids;
