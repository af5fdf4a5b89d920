-- Which process is at work on which job, and the jobs that nobody will try again. The queue itself is pg-boss's.

-- A lease is a worker's claim to a job that is active. The worker renews it; one that is not renewed in time is removed
-- by another worker, and the job is anybody's again. All times are PostgreSQL's.
CREATE TABLE job_lease (
  job_id uuid PRIMARY KEY,
  queue text NOT NULL,
  -- of one attempt; unique, and so a key that a row lock of holds_job keeps from being removed
  token uuid NOT NULL UNIQUE,
  renewed_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE job_lease ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_lease FORCE ROW LEVEL SECURITY;
-- Workers connect as the owner and take jobs of every team; the application role has no right to the table.
CREATE POLICY worker ON job_lease TO CURRENT_USER USING (true);

-- True if the attempt still has its lease, which then nobody can take until the transaction ends: what the transaction
-- writes is written by the one who holds the job.
CREATE FUNCTION holds_job(job uuid, attempt uuid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  PERFORM FROM job_lease WHERE job_id = job AND token = attempt FOR KEY SHARE;
  RETURN FOUND;
END
$$;
REVOKE ALL ON FUNCTION holds_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION holds_job TO fusecast_app;

-- Dead letters: a job that failed for the last time, with what it failed of.
CREATE TABLE failed_job (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  -- of the job, as in the log; a job fails for the last time once
  job_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  subject_type text,
  subject_id uuid,
  attempts integer NOT NULL CHECK (attempts > 0),
  failure jsonb NOT NULL,
  -- of the request that the job came from
  request_id text,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, job_id),
  CHECK ((subject_type IS NULL) = (subject_id IS NULL))
);
CREATE INDEX failed_job_team ON failed_job (team_id, id);

ALTER TABLE failed_job ENABLE ROW LEVEL SECURITY;
ALTER TABLE failed_job FORCE ROW LEVEL SECURITY;
CREATE POLICY own_team ON failed_job
  USING (team_id = nullif(current_setting('app.team_id', true), '')::uuid);
-- A key for some scenarios sees the failed trainings of those, and of networks, as it sees the rows themselves.
CREATE POLICY restricted_key ON failed_job AS RESTRICTIVE
  USING (
    nullif(current_setting('app.scenario_names', true), '') IS NULL
    OR subject_type = 'Network'
    OR (subject_type = 'PredictorVersion' AND EXISTS (SELECT FROM predictor_version WHERE predictor_version.id = subject_id))
  );
GRANT SELECT, INSERT ON failed_job TO fusecast_app;
