-- Invitations by mail, roles that change, and teams that are deleted after a delay.

-- Members of a team see each other.
CREATE POLICY fellow_members ON person FOR SELECT
  USING (EXISTS (
    SELECT FROM member
    WHERE member.person_id = person.id
      AND member.team_id = nullif(current_setting('app.team_id', true), '')::uuid
  ));

GRANT UPDATE (role), DELETE ON member TO fusecast_app;

-- Until then it can be restored.
ALTER TABLE team ADD COLUMN deletion_due_at timestamptz;
GRANT UPDATE (name, deletion_due_at), DELETE ON team TO fusecast_app;
CREATE POLICY only_when_due ON team AS RESTRICTIVE FOR DELETE USING (deletion_due_at <= now());
-- Meanwhile its owners see it, and nobody else.
DROP POLICY own_memberships ON team;
CREATE POLICY own_memberships ON team FOR SELECT
  USING (EXISTS (
    SELECT FROM member
    WHERE member.team_id = team.id
      AND member.person_id = nullif(current_setting('app.person_id', true), '')::uuid
      AND (team.deletion_due_at IS NULL OR (team.deletion_due_at > now() AND member.role = 'OWNER'))
  ));

CREATE TABLE invitation (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  email text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
  role text NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER')),
  -- no reference: an invitation outlives the account of who made it
  invited_by uuid NOT NULL,
  -- of the secret in the link, once it has gone out
  token_sha256 text UNIQUE CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  withdrawn_at timestamptz,
  UNIQUE (team_id, id),
  CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX invitation_open ON invitation (team_id, email)
  WHERE accepted_at IS NULL AND withdrawn_at IS NULL;

ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_team ON invitation
  USING (team_id = nullif(current_setting('app.team_id', true), '')::uuid);
CREATE POLICY following_link ON invitation FOR SELECT
  USING (token_sha256 = nullif(current_setting('app.link_sha256', true), ''));
GRANT SELECT, INSERT, UPDATE (token_sha256, accepted_at, withdrawn_at) ON invitation TO fusecast_app;
