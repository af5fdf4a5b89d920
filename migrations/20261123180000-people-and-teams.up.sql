-- People, teams, members and API keys, and the two locks every later table of a team repeats:
--   1. The service works as the role fusecast_app, which owns nothing, so that row-level security holds
--      even when the service connects as the owner of the tables or as a superuser.
--   2. Row-level security is enabled and forced; a transaction sees the rows of the team in app.team_id only.
-- A transaction says who it works for by settings that end with it (src/tenancy.ts):
--   app.team_id          the team that authorization found
--   app.person_id        the person who is signed in, or is signing up
--   app.email            the address that somebody is signing in with
--   app.session_sha256   the session token that a request carries
--   app.api_key_id       the API key that a request carries

-- Roles belong to the whole server, so another database of it may have made this one, at this very moment too.
-- A connecting role without CREATEROLE needs an administrator to make it first:
--   CREATE ROLE fusecast_app NOLOGIN; GRANT fusecast_app TO <connecting role>;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fusecast_app') THEN
    CREATE ROLE fusecast_app NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

DO $$
BEGIN
  EXECUTE format('GRANT fusecast_app TO %I', current_user);
EXCEPTION
  -- An administrator made the role and has granted it; otherwise the service says at start that it cannot use it.
  WHEN insufficient_privilege THEN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO fusecast_app;

CREATE TABLE person (
  id uuid PRIMARY KEY,
  email text NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) <= 254),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- argon2id, in the PHC string format
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE person_session (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
  -- of the token; the token itself (256 random bits) is nowhere
  token_sha256 text NOT NULL UNIQUE CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX person_session_person ON person_session (person_id);

CREATE TABLE team (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE member (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER')),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, person_id)
);
CREATE INDEX member_person ON member (person_id);

CREATE TABLE api_key (
  id uuid PRIMARY KEY,
  team_id uuid NOT NULL REFERENCES team ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- of the 256 random bits that make the secret; the secret itself is nowhere
  secret_sha256 text NOT NULL CHECK (secret_sha256 ~ '^[0-9a-f]{64}$'),
  scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  UNIQUE (team_id, id)
);

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
ALTER TABLE person_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_session FORCE ROW LEVEL SECURITY;
ALTER TABLE team ENABLE ROW LEVEL SECURITY;
ALTER TABLE team FORCE ROW LEVEL SECURITY;
ALTER TABLE member ENABLE ROW LEVEL SECURITY;
ALTER TABLE member FORCE ROW LEVEL SECURITY;
ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key FORCE ROW LEVEL SECURITY;

-- A person sees and changes their own row; signing in finds the row of one address.
CREATE POLICY own_row ON person
  USING (id = nullif(current_setting('app.person_id', true), '')::uuid);
CREATE POLICY signing_in ON person FOR SELECT
  USING (email = nullif(current_setting('app.email', true), ''));

CREATE POLICY own_rows ON person_session
  USING (person_id = nullif(current_setting('app.person_id', true), '')::uuid);
CREATE POLICY authentication ON person_session FOR SELECT
  USING (token_sha256 = nullif(current_setting('app.session_sha256', true), ''));

CREATE POLICY own_team ON team
  USING (id = nullif(current_setting('app.team_id', true), '')::uuid);
-- Before a team is picked, a person sees the teams they are a member of.
CREATE POLICY own_memberships ON team FOR SELECT
  USING (EXISTS (
    SELECT FROM member
    WHERE member.team_id = team.id
      AND member.person_id = nullif(current_setting('app.person_id', true), '')::uuid
  ));

CREATE POLICY own_team ON member
  USING (team_id = nullif(current_setting('app.team_id', true), '')::uuid);
CREATE POLICY own_memberships ON member FOR SELECT
  USING (person_id = nullif(current_setting('app.person_id', true), '')::uuid);

CREATE POLICY own_team ON api_key
  USING (team_id = nullif(current_setting('app.team_id', true), '')::uuid);
CREATE POLICY authentication ON api_key FOR SELECT
  USING (id = nullif(current_setting('app.api_key_id', true), '')::uuid);

GRANT SELECT, INSERT ON person, person_session, team, member, api_key TO fusecast_app;
GRANT UPDATE (revoked_at) ON person_session TO fusecast_app;
GRANT UPDATE (last_used_at, revoked_at) ON api_key TO fusecast_app;
