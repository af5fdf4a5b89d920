-- Evaluation sets: frozen lists of networks with measured latencies that versions are compared on; and which networks
-- a version was trained on, so that none is judged by what it has seen.

CREATE TABLE evaluation_set (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  dataset_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- what was asked for: names of networks (null for all of the dataset's that the team has files of), and of scenarios
  network_names text[],
  scenario_names text[] NOT NULL CHECK (cardinality(scenario_names) > 0),
  status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'READY', 'REJECTED')),
  -- of the canonical content: what every row says, in one order
  sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  network_count integer,
  row_count integer,
  -- networks of the dataset that were left out, because the team has no file of them
  left_out text[],
  failure jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  UNIQUE (team_id, id),
  FOREIGN KEY (team_id, dataset_id) REFERENCES dataset (team_id, id),
  CHECK ((status = 'REJECTED') = (failure IS NOT NULL)),
  CHECK ((status = 'READY') =
    (sha256 IS NOT NULL AND network_count IS NOT NULL AND row_count IS NOT NULL AND left_out IS NOT NULL)),
  CHECK ((status = 'PENDING') = (finished_at IS NULL))
);
-- The name of one that was rejected is free again.
CREATE UNIQUE INDEX evaluation_set_name ON evaluation_set (team_id, name) WHERE status <> 'REJECTED';

CREATE TABLE evaluation_set_row (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  evaluation_set_id uuid NOT NULL,
  network_id uuid NOT NULL,
  scenario_id uuid NOT NULL,
  -- end to end
  latency_us double precision NOT NULL CHECK (latency_us > 0),
  -- standard deviation over latency
  relative_deviation double precision CHECK (relative_deviation >= 0),
  -- measured kernels by kind: [{kind, latencyUs}]; empty where only the whole network was measured
  kinds jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, evaluation_set_id, scenario_id, network_id),
  FOREIGN KEY (team_id, evaluation_set_id) REFERENCES evaluation_set (team_id, id) ON DELETE CASCADE,
  FOREIGN KEY (team_id, network_id) REFERENCES network (team_id, id),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id)
);
CREATE INDEX evaluation_set_row_page ON evaluation_set_row (team_id, evaluation_set_id, id);

-- Whoever asks: a set that has ended, and any row of it, stays as it is.
CREATE FUNCTION refuse_change_of_evaluation_set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The evaluation set % is frozen.', OLD.id USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
CREATE TRIGGER evaluation_set_is_frozen BEFORE UPDATE ON evaluation_set
  FOR EACH ROW WHEN (OLD.status <> 'PENDING') EXECUTE FUNCTION refuse_change_of_evaluation_set();
CREATE TRIGGER evaluation_set_row_is_frozen BEFORE UPDATE ON evaluation_set_row
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_evaluation_set();

CREATE FUNCTION refuse_row_of_frozen_evaluation_set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM evaluation_set WHERE id = NEW.evaluation_set_id AND status = 'PENDING';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The evaluation set % is frozen.', NEW.evaluation_set_id
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER evaluation_set_takes_no_more_rows BEFORE INSERT ON evaluation_set_row
  FOR EACH ROW EXECUTE FUNCTION refuse_row_of_frozen_evaluation_set();

-- Sets whose networks a training leaves out.
CREATE TABLE predictor_version_evaluation_set (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  predictor_version_id uuid NOT NULL,
  evaluation_set_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, predictor_version_id, evaluation_set_id),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id) ON DELETE CASCADE,
  FOREIGN KEY (team_id, evaluation_set_id) REFERENCES evaluation_set (team_id, id)
);

-- Networks that a version was trained on, in whichever scenario they were measured. Written when the training ends;
-- versions of before have none, so that nobody knows what they have seen.
CREATE TABLE predictor_version_network (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  predictor_version_id uuid NOT NULL,
  name text NOT NULL,
  -- of the network's file; null if the training had none
  sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, predictor_version_id, name),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id) ON DELETE CASCADE
);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['evaluation_set', 'evaluation_set_row', 'predictor_version_evaluation_set',
      'predictor_version_network'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY own_team ON %I USING (team_id = nullif(current_setting(''app.team_id'', true), '''')::uuid)',
      tenant_table);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO fusecast_app', tenant_table);
  END LOOP;
  -- What belongs to a version is shown with it.
  FOREACH tenant_table IN ARRAY ARRAY['predictor_version_evaluation_set', 'predictor_version_network'] LOOP
    EXECUTE format(
      'CREATE POLICY restricted_key ON %1$I AS RESTRICTIVE USING (
         nullif(current_setting(''app.scenario_names'', true), '''') IS NULL
         OR EXISTS (SELECT FROM predictor_version WHERE predictor_version.id = %1$I.predictor_version_id)
       )', tenant_table);
  END LOOP;
END
$$;
CREATE POLICY restricted_key ON evaluation_set_row AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR EXISTS (SELECT FROM scenario WHERE scenario.id = evaluation_set_row.scenario_id)
  );
-- A key of some scenarios sees the sets that are of those alone, or of those among others.
CREATE POLICY restricted_key ON evaluation_set AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR nullif(current_setting('app.scenario_names', true), '')::jsonb ?| scenario_names
  );

GRANT UPDATE (status, sha256, network_count, row_count, left_out, failure, finished_at) ON evaluation_set TO fusecast_app;
