DROP TRIGGER usage_bytes_given_back ON upload;
CREATE OR REPLACE FUNCTION count_usage() RETURNS trigger
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
REVOKE DELETE ON upload, invitation, person_session FROM fusecast_app;
DROP INDEX upload_created_at;
DROP POLICY only_when_cleaning ON upload;
DROP POLICY only_when_cleaning ON invitation;
DROP POLICY only_when_cleaning ON email_request;
DROP POLICY only_when_cleaning ON person_session;
DROP POLICY cleaning ON team;
DROP POLICY ended ON invitation;
DROP POLICY ended_go ON invitation;
DROP POLICY ended ON email_request;
DROP POLICY ended_go ON email_request;
CREATE POLICY expired ON email_request FOR SELECT USING (expires_at < now() - interval '1 day');
CREATE POLICY expired_go ON email_request FOR DELETE USING (expires_at < now() - interval '1 day');
DROP POLICY ended ON person_session;
DROP POLICY ended_go ON person_session;
DROP FUNCTION is_cleaning();
