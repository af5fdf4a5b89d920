-- What the service makes of it: predictors, their versions (immutable once trained), and predictions.

CREATE TABLE predictor (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  scenario_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- of the newest version; counted up in the transaction that inserts it, which makes two of them wait for each other
  last_number integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  UNIQUE (team_id, name),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id)
);
CREATE INDEX predictor_scenario ON predictor (team_id, scenario_id);

CREATE TABLE predictor_version (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  predictor_id uuid NOT NULL,
  -- the predictor's scenario once more, so that the newest version of a scenario is one index look-up
  scenario_id uuid NOT NULL,
  number integer NOT NULL CHECK (number > 0),
  learner text NOT NULL CHECK (learner IN ('lasso', 'boosting')),
  seed integer NOT NULL,
  status text NOT NULL DEFAULT 'QUEUED' CHECK (status IN ('QUEUED', 'TRAINING', 'READY', 'FAILED', 'CANCELLED')),
  step text,
  fraction double precision NOT NULL DEFAULT 0 CHECK (fraction BETWEEN 0 AND 1),
  report jsonb,
  object_key text,
  sha256 text,
  size_bytes bigint,
  failure jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  UNIQUE (team_id, id),
  UNIQUE (team_id, predictor_id, number),
  FOREIGN KEY (team_id, predictor_id) REFERENCES predictor (team_id, id),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id),
  CHECK ((status = 'FAILED') = (failure IS NOT NULL)),
  CHECK ((status = 'READY') = (report IS NOT NULL AND object_key IS NOT NULL AND sha256 IS NOT NULL AND size_bytes IS NOT NULL)),
  CHECK ((status IN ('READY', 'FAILED', 'CANCELLED')) = (finished_at IS NOT NULL))
);
CREATE INDEX predictor_version_newest ON predictor_version (team_id, scenario_id, id) WHERE status = 'READY';

CREATE TABLE predictor_version_dataset (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  predictor_version_id uuid NOT NULL,
  dataset_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, predictor_version_id, dataset_id),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id) ON DELETE CASCADE,
  FOREIGN KEY (team_id, dataset_id) REFERENCES dataset (team_id, id)
);

CREATE TABLE prediction (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  network_id uuid NOT NULL,
  predictor_version_id uuid NOT NULL,
  scenario_id uuid NOT NULL,
  latency_us double precision NOT NULL,
  fixed_us double precision NOT NULL,
  lower_us double precision NOT NULL,
  upper_us double precision NOT NULL,
  level double precision NOT NULL,
  coverage double precision NOT NULL,
  -- kind, fused, ops, reason, latencyUs, coverage of each kernel, in execution order
  kernels jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  FOREIGN KEY (team_id, network_id) REFERENCES network (team_id, id),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id)
);
CREATE INDEX prediction_network ON prediction (team_id, network_id, id);
CREATE INDEX prediction_version ON prediction (team_id, predictor_version_id, id);

-- A version that has ended is never changed again, whoever asks.
CREATE FUNCTION refuse_change_of_ended_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Predictor version % has ended (%) and is never changed.', OLD.id, OLD.status
    USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
CREATE TRIGGER predictor_version_is_immutable BEFORE UPDATE ON predictor_version
  FOR EACH ROW WHEN (OLD.status IN ('READY', 'FAILED', 'CANCELLED'))
  EXECUTE FUNCTION refuse_change_of_ended_version();

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['predictor', 'predictor_version', 'predictor_version_dataset', 'prediction'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY own_team ON %I USING (team_id = nullif(current_setting(''app.team_id'', true), '''')::uuid)',
      tenant_table);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO fusecast_app', tenant_table);
  END LOOP;
END
$$;

GRANT UPDATE (last_number) ON predictor TO fusecast_app;
GRANT UPDATE (status, step, fraction, report, object_key, sha256, size_bytes, failure, started_at, finished_at)
  ON predictor_version TO fusecast_app;
