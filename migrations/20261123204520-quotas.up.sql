-- What a team has used of what it may have. Counted by triggers in the transaction of each change, so that the count is
-- right whoever makes it; the row of a counter is locked until that transaction ends, so that two changes at once
-- cannot both take the last place. The application role reads the counters and cannot change them.

CREATE TABLE team_usage (
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  resource text NOT NULL CHECK (resource IN ('BYTES', 'NETWORKS', 'DATASETS', 'VERSIONS')),
  amount bigint NOT NULL,
  PRIMARY KEY (team_id, resource)
);

-- Where an operator lets a team have more, or less, than the defaults in src/quotas.ts.
CREATE TABLE team_quota (
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  resource text NOT NULL CHECK (resource IN ('BYTES', 'NETWORKS', 'DATASETS', 'VERSIONS', 'TRAINING_MINUTES')),
  maximum bigint NOT NULL CHECK (maximum >= 0),
  PRIMARY KEY (team_id, resource)
);

-- The same bytes of a team are stored once, and counted once.
CREATE INDEX upload_sha256 ON upload (team_id, sha256);
CREATE INDEX predictor_version_started ON predictor_version (team_id, started_at);

CREATE FUNCTION count_usage() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  counted text := TG_ARGV[0];
  change bigint := 1;
BEGIN
  IF TG_OP = 'DELETE' THEN
    -- No new row: the whole team may be going.
    UPDATE team_usage SET amount = amount - 1 WHERE team_id = OLD.team_id AND resource = counted;
    RETURN OLD;
  END IF;
  IF counted = 'BYTES' THEN
    -- Locked before looking, so that the same bytes announced twice at once count once.
    INSERT INTO team_usage AS counter VALUES (NEW.team_id, counted, 0)
      ON CONFLICT (team_id, resource) DO UPDATE SET amount = counter.amount;
    change := NEW.size_bytes;
    IF TG_TABLE_NAME = 'upload' THEN
      PERFORM FROM upload WHERE team_id = NEW.team_id AND sha256 = NEW.sha256 AND id <> NEW.id;
      IF FOUND THEN
        RETURN NEW;
      END IF;
    END IF;
  END IF;
  INSERT INTO team_usage AS counter VALUES (NEW.team_id, counted, change)
    ON CONFLICT (team_id, resource) DO UPDATE SET amount = counter.amount + excluded.amount;
  RETURN NEW;
END
$$;
REVOKE EXECUTE ON FUNCTION count_usage() FROM PUBLIC;

CREATE TRIGGER usage AFTER INSERT OR DELETE ON network FOR EACH ROW EXECUTE FUNCTION count_usage('NETWORKS');
CREATE TRIGGER usage AFTER INSERT OR DELETE ON dataset FOR EACH ROW EXECUTE FUNCTION count_usage('DATASETS');
CREATE TRIGGER usage AFTER INSERT OR DELETE ON predictor_version
  FOR EACH ROW EXECUTE FUNCTION count_usage('VERSIONS');
CREATE TRIGGER usage_bytes AFTER INSERT ON upload FOR EACH ROW EXECUTE FUNCTION count_usage('BYTES');
CREATE TRIGGER usage_bytes AFTER UPDATE OF size_bytes ON predictor_version
  FOR EACH ROW WHEN (OLD.size_bytes IS NULL AND NEW.size_bytes IS NOT NULL)
  EXECUTE FUNCTION count_usage('BYTES');

-- What is there already. Row-level security hides it from the owner too, until it is not forced.
ALTER TABLE upload NO FORCE ROW LEVEL SECURITY;
ALTER TABLE network NO FORCE ROW LEVEL SECURITY;
ALTER TABLE dataset NO FORCE ROW LEVEL SECURITY;
ALTER TABLE predictor_version NO FORCE ROW LEVEL SECURITY;
INSERT INTO team_usage
  SELECT team_id, 'NETWORKS', count(*) FROM network GROUP BY team_id
  UNION ALL SELECT team_id, 'DATASETS', count(*) FROM dataset GROUP BY team_id
  UNION ALL SELECT team_id, 'VERSIONS', count(*) FROM predictor_version GROUP BY team_id
  UNION ALL SELECT team_id, 'BYTES', sum(size_bytes) FROM (
    SELECT DISTINCT ON (team_id, sha256) team_id, size_bytes FROM upload
    UNION ALL SELECT team_id, size_bytes FROM predictor_version WHERE size_bytes IS NOT NULL
  ) AS stored GROUP BY team_id;
ALTER TABLE upload FORCE ROW LEVEL SECURITY;
ALTER TABLE network FORCE ROW LEVEL SECURITY;
ALTER TABLE dataset FORCE ROW LEVEL SECURITY;
ALTER TABLE predictor_version FORCE ROW LEVEL SECURITY;

ALTER TABLE team_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_usage FORCE ROW LEVEL SECURITY;
ALTER TABLE team_quota ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_quota FORCE ROW LEVEL SECURITY;
CREATE POLICY own_team ON team_usage
  USING (team_id = nullif(current_setting('app.team_id', true), '')::uuid);
CREATE POLICY own_team ON team_quota
  USING (team_id = nullif(current_setting('app.team_id', true), '')::uuid);
-- The owner: the triggers above, and an operator who sets a quota.
CREATE POLICY counting ON team_usage TO CURRENT_USER USING (true);
CREATE POLICY operating ON team_quota TO CURRENT_USER USING (true);
GRANT SELECT ON team_usage, team_quota TO fusecast_app;
