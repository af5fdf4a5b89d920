-- What teams bring: uploads, datasets (profiles) and networks, and the devices and scenarios that profiles name.
-- References between rows of teams carry the team, so that no row can point into another team.

CREATE TABLE upload (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('DATASET', 'NETWORK')),
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 255),
  size_bytes bigint NOT NULL CHECK (size_bytes > 0),
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  content_type text NOT NULL,
  object_key text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id)
);

CREATE TABLE device (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  UNIQUE (team_id, name)
);

CREATE TABLE scenario (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  device_id uuid NOT NULL,
  -- runtime/device/processor/type
  name text NOT NULL,
  runtime text NOT NULL,
  processor text NOT NULL,
  type text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, id),
  UNIQUE (team_id, name),
  FOREIGN KEY (team_id, device_id) REFERENCES device (team_id, id)
);
CREATE INDEX scenario_device ON scenario (team_id, device_id);

CREATE TABLE dataset (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  upload_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  file_name text NOT NULL,
  size_bytes bigint NOT NULL,
  sha256 text NOT NULL,
  object_key text NOT NULL,
  -- said by the uploader for formats that do not say it themselves (onnxruntime's profile)
  network_name text,
  scenario_name text,
  status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'READY', 'REJECTED')),
  network_rows integer,
  kernel_rows integer,
  -- why it was rejected: code, message, where, remedy
  failure jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  ingested_at timestamptz,
  UNIQUE (team_id, id),
  UNIQUE (team_id, upload_id),
  FOREIGN KEY (team_id, upload_id) REFERENCES upload (team_id, id),
  CHECK ((status = 'REJECTED') = (failure IS NOT NULL)),
  CHECK ((status = 'READY') = (network_rows IS NOT NULL AND kernel_rows IS NOT NULL))
);

CREATE TABLE dataset_scenario (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  dataset_id uuid NOT NULL,
  scenario_id uuid NOT NULL,
  network_rows integer NOT NULL,
  kernel_rows integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, dataset_id, scenario_id),
  FOREIGN KEY (team_id, dataset_id) REFERENCES dataset (team_id, id) ON DELETE CASCADE,
  FOREIGN KEY (team_id, scenario_id) REFERENCES scenario (team_id, id)
);

CREATE TABLE network (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  upload_id uuid NOT NULL,
  -- the name that datasets know the network by
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  file_name text NOT NULL,
  size_bytes bigint NOT NULL,
  sha256 text NOT NULL,
  object_key text NOT NULL,
  -- sizes of dynamic dimensions by name
  bindings jsonb NOT NULL,
  status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'READY', 'REJECTED')),
  -- format, ops, parameters, multiplyAccumulates, inputs
  summary jsonb,
  failure jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  ingested_at timestamptz,
  UNIQUE (team_id, id),
  UNIQUE (team_id, upload_id),
  FOREIGN KEY (team_id, upload_id) REFERENCES upload (team_id, id),
  CHECK ((status = 'REJECTED') = (failure IS NOT NULL)),
  CHECK ((status = 'READY') = (summary IS NOT NULL))
);
CREATE INDEX network_name ON network (team_id, name, id);
CREATE INDEX network_sha256 ON network (team_id, sha256);

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['upload', 'device', 'scenario', 'dataset', 'dataset_scenario', 'network'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY own_team ON %I USING (team_id = nullif(current_setting(''app.team_id'', true), '''')::uuid)',
      tenant_table);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO fusecast_app', tenant_table);
  END LOOP;
END
$$;

GRANT UPDATE (status, network_rows, kernel_rows, failure, ingested_at) ON dataset TO fusecast_app;
GRANT UPDATE (status, summary, failure, ingested_at) ON network TO fusecast_app;
