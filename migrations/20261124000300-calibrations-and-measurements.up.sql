-- Calibrations: a factor and an offset on what a version predicts, from own measurements. And what comes back from
-- production: measured latencies, what the version in use expects of their networks, and alerts of drift.

CREATE TABLE calibration (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  predictor_version_id uuid NOT NULL,
  -- the version's, once more
  scenario_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  factor double precision NOT NULL CHECK (factor >= 0),
  offset_us double precision NOT NULL,
  widening double precision NOT NULL CHECK (widening >= 1),
  -- mape, medianApe, within10
  error_before jsonb NOT NULL,
  error_after jsonb NOT NULL,
  -- network, measuredUs, predictedUs, calibratedUs, heldOutUs, isOutlier of each
  networks jsonb NOT NULL,
  harness jsonb NOT NULL,
  warnings text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id)
);
CREATE INDEX calibration_version ON calibration (team_id, predictor_version_id, id);

CREATE FUNCTION refuse_change_of_calibration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The calibration % is never changed.', OLD.id USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
CREATE TRIGGER calibration_is_immutable BEFORE UPDATE ON calibration
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_calibration();

ALTER TABLE prediction
  ADD COLUMN calibration_id uuid,
  ADD CONSTRAINT prediction_calibration FOREIGN KEY (team_id, calibration_id) REFERENCES calibration (team_id, id);

CREATE TABLE measured_latency (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  network_id uuid NOT NULL,
  scenario_id uuid NOT NULL,
  latency_us double precision NOT NULL CHECK (latency_us > 0),
  deviation_us double precision CHECK (deviation_us >= 0),
  measured_at timestamptz NOT NULL,
  source text CHECK (length(source) BETWEEN 1 AND 200),
  -- the caller's name of the report that it came with, its place there, and the SHA-256 of the whole report: a report
  -- that is sent again is recognised
  client_key text NOT NULL CHECK (length(client_key) BETWEEN 1 AND 200),
  position integer NOT NULL CHECK (position >= 0),
  report_sha256 text NOT NULL CHECK (report_sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  UNIQUE (team_id, client_key, position),
  FOREIGN KEY (team_id, network_id) REFERENCES network (team_id, id),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id)
);
CREATE INDEX measured_latency_time ON measured_latency (team_id, scenario_id, measured_at);
CREATE INDEX measured_latency_network ON measured_latency (team_id, network_id, id);

-- What a version expects of a network that was measured: never changes, as neither of them does.
CREATE TABLE expected_latency (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  network_id uuid NOT NULL,
  predictor_version_id uuid NOT NULL,
  scenario_id uuid NOT NULL,
  latency_us double precision NOT NULL,
  lower_us double precision NOT NULL,
  upper_us double precision NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, predictor_version_id, network_id),
  FOREIGN KEY (team_id, network_id) REFERENCES network (team_id, id),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id)
);

CREATE TABLE drift_alert (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  scenario_id uuid NOT NULL,
  predictor_version_id uuid NOT NULL,
  test text NOT NULL CHECK (test IN ('COVERAGE', 'SLOWER', 'FASTER')),
  p_value double precision NOT NULL,
  level double precision NOT NULL,
  covered double precision NOT NULL,
  signed_error double precision NOT NULL,
  networks integer NOT NULL,
  measurements integer NOT NULL,
  since timestamptz NOT NULL,
  until timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  cleared_at timestamptz,
  UNIQUE (team_id, id),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id)
);
-- One at a time: an onset is told once.
CREATE UNIQUE INDEX drift_alert_one_open ON drift_alert (team_id, scenario_id) WHERE cleared_at IS NULL;
CREATE INDEX drift_alert_scenario ON drift_alert (team_id, scenario_id, id);

-- Of a dataset that was made from measured latencies: scenario, since, until, measurements, networks, sources.
ALTER TABLE dataset ADD COLUMN provenance jsonb;

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['calibration', 'measured_latency', 'expected_latency', 'drift_alert'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY own_team ON %I USING (team_id = nullif(current_setting(''app.team_id'', true), '''')::uuid)',
      tenant_table);
    EXECUTE format(
      'CREATE POLICY restricted_key ON %1$I AS RESTRICTIVE USING (
         nullif(current_setting(''app.scenario_names'', true), '''') IS NULL
         OR EXISTS (SELECT FROM scenario WHERE scenario.id = %1$I.scenario_id)
       )', tenant_table);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO fusecast_app', tenant_table);
  END LOOP;
END
$$;
GRANT UPDATE (cleared_at) ON drift_alert TO fusecast_app;
