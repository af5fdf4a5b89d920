-- People who have no password cannot be kept.
ALTER TABLE person NO FORCE ROW LEVEL SECURITY;
DELETE FROM person WHERE password_hash IS NULL;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
REVOKE UPDATE (password_hash) ON person FROM fusecast_app;
ALTER TABLE person ALTER COLUMN password_hash SET NOT NULL;
DROP TABLE sign_in_attempt, identity, recovery_code, second_factor, email_request;
DROP POLICY authentication ON person_session;
CREATE POLICY authentication ON person_session FOR SELECT
  USING (token_sha256 = nullif(current_setting('app.session_sha256', true), ''));
ALTER TABLE person_session
  DROP COLUMN previous_token_sha256,
  DROP COLUMN renewed_at,
  DROP COLUMN last_used_at,
  DROP COLUMN address,
  DROP COLUMN user_agent;
REVOKE UPDATE (token_sha256) ON person_session FROM fusecast_app;
