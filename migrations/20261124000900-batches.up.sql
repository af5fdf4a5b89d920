-- Batches: files of many networks that are predicted in the background, chunk by chunk, and the files that come of them.

ALTER TABLE upload DROP CONSTRAINT upload_kind_check;
ALTER TABLE upload ADD CONSTRAINT upload_kind_check CHECK (kind IN ('DATASET', 'NETWORK', 'BATCH'));

CREATE TABLE batch (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  upload_id uuid NOT NULL,
  file_name text NOT NULL,
  -- names of the scenarios, and the version that answers for each, in the same order: chosen once, for all chunks
  scenarios text[] NOT NULL CHECK (cardinality(scenarios) > 0),
  version_ids uuid[] NOT NULL,
  status text NOT NULL DEFAULT 'QUEUED' CHECK (status IN ('QUEUED', 'RUNNING', 'READY', 'FAILED', 'CANCELLED')),
  -- known once the file was split
  row_count integer CHECK (row_count > 0),
  chunk_count integer CHECK (chunk_count > 0),
  finished_chunks integer NOT NULL DEFAULT 0 CHECK (finished_chunks >= 0),
  finished_rows integer NOT NULL DEFAULT 0 CHECK (finished_rows >= 0),
  refused_rows integer NOT NULL DEFAULT 0 CHECK (refused_rows >= 0),
  -- when READY: [{scenario, networks, kendallTau, spearmanRho}]
  rank_correlations jsonb,
  failure jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  UNIQUE (team_id, id),
  UNIQUE (team_id, upload_id),
  FOREIGN KEY (team_id, upload_id) REFERENCES upload (team_id, id),
  CHECK (cardinality(version_ids) = cardinality(scenarios)),
  CHECK ((failure IS NOT NULL) = (status = 'FAILED')),
  CHECK ((finished_at IS NULL) = (status IN ('QUEUED', 'RUNNING'))),
  CHECK (status <> 'READY' OR finished_chunks = chunk_count)
);
CREATE INDEX batch_page ON batch (team_id, id);

-- ROWS: a chunk's rows; PART: their predictions; RESULT: all parts as one. Rows are only ever added: what there is of a
-- chunk was written once, whoever did it.
CREATE TABLE batch_file (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  batch_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('ROWS', 'PART', 'RESULT')),
  -- of the chunk, from 0
  position integer NOT NULL CHECK (position >= 0),
  row_count integer NOT NULL CHECK (row_count > 0),
  object_key text NOT NULL,
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint NOT NULL CHECK (size_bytes > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, batch_id, kind, position),
  FOREIGN KEY (team_id, batch_id) REFERENCES batch (team_id, id) ON DELETE CASCADE
);
CREATE TRIGGER usage_bytes AFTER INSERT ON batch_file FOR EACH ROW EXECUTE FUNCTION count_usage('BYTES');

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['batch', 'batch_file'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY own_team ON %I USING (team_id = nullif(current_setting(''app.team_id'', true), '''')::uuid)',
      tenant_table);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO fusecast_app', tenant_table);
  END LOOP;
END
$$;
GRANT UPDATE (status, row_count, chunk_count, finished_chunks, finished_rows, refused_rows, rank_correlations, failure,
  finished_at) ON batch TO fusecast_app;

-- Its files are about all scenarios of a batch, so an API key of some scenarios sees the batches of no others.
CREATE POLICY restricted_key ON batch AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR to_jsonb(scenarios) <@ nullif(current_setting('app.scenario_names', true), '')::jsonb
  );
CREATE POLICY restricted_key ON batch_file AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR EXISTS (SELECT FROM batch WHERE batch.id = batch_id)
  );
