-- API keys: a new secret beside the old one for a while, and keys of some scenarios only. One more setting of a
-- transaction:
--   app.scenario_names   a JSON array of the names that an API key is restricted to; absent for no restriction

ALTER TABLE api_key
  -- the secret before the last rotation, and until when it still counts
  ADD COLUMN previous_secret_sha256 text CHECK (previous_secret_sha256 ~ '^[0-9a-f]{64}$'),
  ADD COLUMN previous_secret_expires_at timestamptz,
  ADD COLUMN rotated_at timestamptz,
  -- null for all
  ADD COLUMN scenarios text[] CHECK (cardinality(scenarios) > 0),
  ADD CHECK ((previous_secret_sha256 IS NULL) = (previous_secret_expires_at IS NULL));
GRANT UPDATE (secret_sha256, previous_secret_sha256, previous_secret_expires_at, rotated_at) ON api_key TO fusecast_app;

-- Restrictive: they narrow what the policies of the team show, whatever the statement. A scenario is shown by its name,
-- and everything that belongs to one if that scenario is shown.
CREATE POLICY restricted_key ON scenario AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR nullif(current_setting('app.scenario_names', true), '')::jsonb ? name
  );
CREATE POLICY restricted_key ON device AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR EXISTS (SELECT FROM scenario WHERE scenario.device_id = device.id)
  );

DO $$
DECLARE
  scenario_table text;
BEGIN
  FOREACH scenario_table IN ARRAY ARRAY['dataset_scenario', 'predictor', 'predictor_version', 'prediction'] LOOP
    EXECUTE format(
      'CREATE POLICY restricted_key ON %1$I AS RESTRICTIVE USING (
         nullif(current_setting(''app.scenario_names'', true), '''') IS NULL
         OR EXISTS (SELECT FROM scenario WHERE scenario.id = %1$I.scenario_id)
       )', scenario_table);
  END LOOP;
END
$$;
-- Which datasets a version was trained on is shown with the version.
CREATE POLICY restricted_key ON predictor_version_dataset AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR EXISTS (SELECT FROM predictor_version WHERE predictor_version.id = predictor_version_id)
  );
