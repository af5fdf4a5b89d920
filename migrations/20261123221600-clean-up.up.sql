-- What is of no use any more goes by a regular job (src/clean-up.ts): sessions and links that have ended, and uploads
-- whose bytes never arrived. One more setting of a transaction:
--   app.cleaning   'on' where that job asks; with it, and only for what has ended, rows of everybody are seen and go
-- Each stays for a day after its end, so that nothing goes that somebody is just using.

CREATE FUNCTION is_cleaning() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(current_setting('app.cleaning', true) = 'on', false)
$$;

CREATE POLICY ended ON person_session FOR SELECT
  USING (is_cleaning() AND least(expires_at, revoked_at) < now() - interval '1 day');
CREATE POLICY ended_go ON person_session FOR DELETE
  USING (is_cleaning() AND least(expires_at, revoked_at) < now() - interval '1 day');
GRANT DELETE ON person_session TO fusecast_app;

-- Until now any job that answered a request saw and removed them.
DROP POLICY expired ON email_request;
DROP POLICY expired_go ON email_request;
CREATE POLICY ended ON email_request FOR SELECT
  USING (is_cleaning() AND least(expires_at, used_at) < now() - interval '1 day');
CREATE POLICY ended_go ON email_request FOR DELETE
  USING (is_cleaning() AND least(expires_at, used_at) < now() - interval '1 day');

CREATE POLICY ended ON invitation FOR SELECT
  USING (is_cleaning() AND least(expires_at, accepted_at, withdrawn_at) < now() - interval '1 day');
CREATE POLICY ended_go ON invitation FOR DELETE
  USING (is_cleaning() AND least(expires_at, accepted_at, withdrawn_at) < now() - interval '1 day');
GRANT DELETE ON invitation TO fusecast_app;

-- Uploads are removed team by team, in a transaction of the team.
CREATE POLICY cleaning ON team FOR SELECT USING (is_cleaning());
CREATE INDEX upload_created_at ON upload (team_id, created_at);
GRANT DELETE ON upload TO fusecast_app;

-- The rights to delete above are for that job alone, also where a row is seen for another reason.
CREATE POLICY only_when_cleaning ON person_session AS RESTRICTIVE FOR DELETE USING (is_cleaning());
CREATE POLICY only_when_cleaning ON email_request AS RESTRICTIVE FOR DELETE USING (is_cleaning());
CREATE POLICY only_when_cleaning ON invitation AS RESTRICTIVE FOR DELETE USING (is_cleaning());
CREATE POLICY only_when_cleaning ON upload AS RESTRICTIVE FOR DELETE
  USING (is_cleaning() AND created_at < now() - interval '1 day');

-- Bytes are given back when the last upload that announced them goes. They are counted once for each digest and size
-- together: by the digest alone, a false announcement of few bytes would make a later one of many count nothing, and
-- removing both would give back more than was counted.
CREATE OR REPLACE FUNCTION count_usage() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  counted text := TG_ARGV[0];
  change bigint := 1;
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF TG_TABLE_NAME = 'upload' THEN
      -- Locked before looking, as below.
      PERFORM FROM team_usage WHERE team_id = OLD.team_id AND resource = counted FOR UPDATE;
      PERFORM FROM upload WHERE team_id = OLD.team_id AND sha256 = OLD.sha256 AND size_bytes = OLD.size_bytes;
      IF FOUND THEN
        RETURN OLD;
      END IF;
      change := OLD.size_bytes;
    END IF;
    -- No new row: the whole team may be going.
    UPDATE team_usage SET amount = amount - change WHERE team_id = OLD.team_id AND resource = counted;
    RETURN OLD;
  END IF;
  IF counted = 'BYTES' THEN
    -- Locked before looking, so that the same bytes announced twice at once count once.
    INSERT INTO team_usage AS counter VALUES (NEW.team_id, counted, 0)
      ON CONFLICT (team_id, resource) DO UPDATE SET amount = counter.amount;
    change := NEW.size_bytes;
    IF TG_TABLE_NAME = 'upload' THEN
      PERFORM FROM upload
        WHERE team_id = NEW.team_id AND sha256 = NEW.sha256 AND size_bytes = NEW.size_bytes AND id <> NEW.id;
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
CREATE TRIGGER usage_bytes_given_back AFTER DELETE ON upload FOR EACH ROW EXECUTE FUNCTION count_usage('BYTES');

-- Counted anew. Row-level security hides the rows from the owner too, until it is not forced.
ALTER TABLE upload NO FORCE ROW LEVEL SECURITY;
ALTER TABLE predictor_version NO FORCE ROW LEVEL SECURITY;
UPDATE team_usage SET amount = stored.bytes FROM (
  SELECT team_id, sum(size_bytes) AS bytes FROM (
    SELECT team_id, size_bytes FROM (SELECT DISTINCT team_id, sha256, size_bytes FROM upload) AS files
    UNION ALL SELECT team_id, size_bytes FROM predictor_version WHERE size_bytes IS NOT NULL
  ) AS each GROUP BY team_id
) AS stored WHERE stored.team_id = team_usage.team_id AND resource = 'BYTES';
ALTER TABLE upload FORCE ROW LEVEL SECURITY;
ALTER TABLE predictor_version FORCE ROW LEVEL SECURITY;
