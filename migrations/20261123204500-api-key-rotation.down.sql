DO $$
DECLARE
  scenario_table text;
BEGIN
  FOREACH scenario_table IN ARRAY ARRAY[
    'scenario', 'device', 'dataset_scenario', 'predictor', 'predictor_version', 'prediction', 'predictor_version_dataset'
  ] LOOP
    EXECUTE format('DROP POLICY restricted_key ON %I', scenario_table);
  END LOOP;
END
$$;
ALTER TABLE api_key
  DROP COLUMN previous_secret_sha256,
  DROP COLUMN previous_secret_expires_at,
  DROP COLUMN rotated_at,
  DROP COLUMN scenarios;
