-- Every request with an API key begins by reading it. As a transaction of its own that was six round trips, a third of
-- what a prediction costs; as one function it is one. It becomes the application role and sees the one key that is asked
-- for, then its team: the policies are those that held before. Outside of a transaction its settings end with it.
CREATE FUNCTION read_api_key(wanted uuid) RETURNS TABLE (
  team_id uuid,
  secret_sha256 text,
  previous_secret_sha256 text,
  previous_secret_expires_at timestamptz,
  scopes text[],
  scenarios text[],
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  team_deletion_due_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
  found_key api_key;
BEGIN
  PERFORM set_config('role', 'fusecast_app', true), set_config('app.api_key_id', wanted::text, true);
  SELECT * INTO found_key FROM api_key WHERE id = wanted;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM set_config('app.team_id', found_key.team_id::text, true);
  RETURN QUERY SELECT found_key.team_id, found_key.secret_sha256, found_key.previous_secret_sha256,
    found_key.previous_secret_expires_at, found_key.scopes, found_key.scenarios, found_key.expires_at,
    found_key.last_used_at, found_key.revoked_at, team.deletion_due_at
    FROM team WHERE team.id = found_key.team_id;
END
$$;
