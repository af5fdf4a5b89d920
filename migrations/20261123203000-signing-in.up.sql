-- Signing up by mail, sessions of browsers, second factors and OpenID Connect. More settings of a transaction:
--   app.email_request_id   the request that a job answers by mail
--   app.link_sha256        the secret of a link that went out by mail
--   app.identity           issuer and subject of somebody who signs in by OpenID Connect

-- Who signs in by OpenID Connect alone has none.
ALTER TABLE person ALTER COLUMN password_hash DROP NOT NULL;
GRANT UPDATE (password_hash) ON person TO fusecast_app;

-- What somebody who says that an address is theirs has asked for. Made for every address alike; whether there is such a
-- person, the job that answers by mail finds out.
CREATE TABLE email_request (
  id uuid PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('SIGN_UP', 'PASSWORD_RESET')),
  email text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
  -- of the person who will be made
  name text CHECK (length(name) BETWEEN 1 AND 200),
  password_hash text,
  -- of the secret in the link, once it has gone out
  token_sha256 text UNIQUE CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CHECK ((purpose = 'SIGN_UP') = (name IS NOT NULL AND password_hash IS NOT NULL))
);
CREATE INDEX email_request_email ON email_request (email);
CREATE INDEX email_request_expires_at ON email_request (expires_at);

ALTER TABLE person_session
  ADD COLUMN previous_token_sha256 text UNIQUE CHECK (previous_token_sha256 ~ '^[0-9a-f]{64}$'),
  ADD COLUMN renewed_at timestamptz,
  ADD COLUMN last_used_at timestamptz,
  ADD COLUMN address inet,
  ADD COLUMN user_agent text CHECK (length(user_agent) <= 300);
GRANT UPDATE (token_sha256, previous_token_sha256, renewed_at, last_used_at) ON person_session TO fusecast_app;
DROP POLICY authentication ON person_session;
CREATE POLICY authentication ON person_session FOR SELECT
  USING (nullif(current_setting('app.session_sha256', true), '') IN (token_sha256, previous_token_sha256));

-- One-time codes by time (RFC 6238). The secret is needed to check a code, so it is kept as it is.
CREATE TABLE second_factor (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL UNIQUE REFERENCES person ON DELETE CASCADE,
  secret text NOT NULL,
  -- the time step of the last code that was taken: none is taken twice
  last_step bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- it counts once its owner has shown a code
  confirmed_at timestamptz
);

CREATE TABLE recovery_code (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
  code_sha256 text NOT NULL CHECK (code_sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz,
  UNIQUE (person_id, code_sha256)
);

-- Whom an OpenID Connect provider knows a person as.
CREATE TABLE identity (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
  issuer text NOT NULL CHECK (issuer !~ '\s'),
  subject text NOT NULL CHECK (length(subject) <= 255),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (issuer, subject)
);
CREATE INDEX identity_person ON identity (person_id);

-- Attempts to sign in and mails, counted by account and address, in the form that rate-limiter-flexible has. Used by
-- the connecting role itself: it serves no person and no team.
CREATE TABLE sign_in_attempt (
  key varchar(255) PRIMARY KEY,
  points integer NOT NULL DEFAULT 0,
  expire bigint
);

ALTER TABLE email_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE email_request FORCE ROW LEVEL SECURITY;
ALTER TABLE second_factor ENABLE ROW LEVEL SECURITY;
ALTER TABLE second_factor FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_code ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_code FORCE ROW LEVEL SECURITY;
ALTER TABLE identity ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity FORCE ROW LEVEL SECURITY;
ALTER TABLE sign_in_attempt ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_attempt FORCE ROW LEVEL SECURITY;

CREATE POLICY asking ON email_request
  USING (email = nullif(current_setting('app.email', true), ''));
CREATE POLICY answering ON email_request
  USING (id = nullif(current_setting('app.email_request_id', true), '')::uuid);
CREATE POLICY following_link ON email_request
  USING (token_sha256 = nullif(current_setting('app.link_sha256', true), ''));
-- Any job that answers removes what is of no use any more.
CREATE POLICY expired ON email_request FOR SELECT USING (expires_at < now() - interval '1 day');
CREATE POLICY expired_go ON email_request FOR DELETE USING (expires_at < now() - interval '1 day');

CREATE POLICY own_rows ON second_factor
  USING (person_id = nullif(current_setting('app.person_id', true), '')::uuid);
CREATE POLICY own_rows ON recovery_code
  USING (person_id = nullif(current_setting('app.person_id', true), '')::uuid);
CREATE POLICY own_rows ON identity
  USING (person_id = nullif(current_setting('app.person_id', true), '')::uuid);
CREATE POLICY signing_in ON identity FOR SELECT
  USING (issuer || ' ' || subject = nullif(current_setting('app.identity', true), ''));
CREATE POLICY counting ON sign_in_attempt USING (true);

GRANT SELECT, INSERT, DELETE, UPDATE (token_sha256, expires_at, used_at) ON email_request TO fusecast_app;
GRANT SELECT, INSERT, DELETE, UPDATE (last_step, confirmed_at) ON second_factor TO fusecast_app;
GRANT SELECT, INSERT, DELETE, UPDATE (used_at) ON recovery_code TO fusecast_app;
GRANT SELECT, INSERT ON identity TO fusecast_app;
