-- Runs of `fusecast check` that are kept, and their results by network and scenario.

CREATE TABLE budget_check (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  repository text NOT NULL CHECK (length(repository) BETWEEN 1 AND 300),
  configuration text NOT NULL CHECK (length(configuration) BETWEEN 1 AND 300),
  branch text NOT NULL CHECK (length(branch) BETWEEN 1 AND 300),
  -- of a pull request
  base_branch text CHECK (length(base_branch) BETWEEN 1 AND 300),
  commit text NOT NULL CHECK (length(commit) BETWEEN 1 AND 100),
  run text NOT NULL CHECK (length(run) BETWEEN 1 AND 200),
  url text CHECK (length(url) <= 1000),
  -- the check that it was compared with
  base_id uuid,
  verdict text NOT NULL CHECK (verdict IN ('PASS', 'FAIL', 'INCONCLUSIVE')),
  -- names of all scenarios of its results: who may not see one of them does not see the check
  scenarios text[] NOT NULL CHECK (cardinality(scenarios) > 0),
  content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  UNIQUE (team_id, repository, configuration, commit, run),
  FOREIGN KEY (team_id, base_id) REFERENCES budget_check (team_id, id)
);
-- The last run of a branch, which pull requests are compared with.
CREATE INDEX budget_check_branch ON budget_check (team_id, repository, branch, id);

CREATE TABLE budget_check_result (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  budget_check_id uuid NOT NULL,
  network_id uuid NOT NULL,
  scenario_id uuid NOT NULL,
  predictor_version_id uuid NOT NULL,
  -- the check's and the network's once more, so that a trend is one index look-up
  repository text NOT NULL,
  branch text NOT NULL,
  network_name text NOT NULL,
  -- null where no budget applies
  verdict text CHECK (verdict IN ('PASS', 'FAIL', 'INCONCLUSIVE')),
  latency_us double precision NOT NULL,
  lower_us double precision NOT NULL,
  upper_us double precision NOT NULL,
  level double precision NOT NULL,
  budget_us double precision,
  budget_percent double precision,
  base_latency_us double precision,
  change jsonb,
  kernel_changes jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  UNIQUE (team_id, budget_check_id, network_id, scenario_id),
  FOREIGN KEY (team_id, budget_check_id) REFERENCES budget_check (team_id, id) ON DELETE CASCADE,
  FOREIGN KEY (team_id, network_id) REFERENCES network (team_id, id),
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id),
  FOREIGN KEY (team_id, predictor_version_id) REFERENCES predictor_version (team_id, id)
);
CREATE INDEX budget_check_result_trend ON budget_check_result (team_id, repository, network_name, scenario_id, id);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['budget_check', 'budget_check_result'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY own_team ON %I USING (team_id = nullif(current_setting(''app.team_id'', true), '''')::uuid)',
      tenant_table);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO fusecast_app', tenant_table);
  END LOOP;
END
$$;

-- A verdict is about all scenarios of a check, so an API key of some scenarios sees the checks of no others.
CREATE POLICY restricted_key ON budget_check AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR to_jsonb(scenarios) <@ nullif(current_setting('app.scenario_names', true), '')::jsonb
  );
CREATE POLICY restricted_key ON budget_check_result AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR EXISTS (SELECT FROM budget_check WHERE budget_check.id = budget_check_id)
  );
