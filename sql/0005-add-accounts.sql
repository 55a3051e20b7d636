-- Accounts: invitations, confirmation and reset, second factor, API tokens, Plex sign-in, audit, activity, idempotency.

ALTER TABLE users
  ADD COLUMN email_confirmed_at timestamptz,
  ADD COLUMN totp_pending bytea,            -- sealed secret that is not confirmed yet
  ADD COLUMN totp_last_step bigint NOT NULL DEFAULT 0, -- a code is good once (RFC 6238 section 5.2)
  ADD COLUMN plex_token bytea,              -- sealed
  ADD COLUMN plex_name text;
UPDATE users SET email_confirmed_at = created_at;

CREATE TABLE recovery_codes (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  hash bytea NOT NULL,                      -- sha256; a code has 80 random bits
  used_at timestamptz,
  PRIMARY KEY (user_id, hash)
);

CREATE TABLE invites (
  id uuid PRIMARY KEY,
  hash bytea NOT NULL UNIQUE,               -- sha256 of the token
  email text,                               -- NULL: whoever has it
  role text NOT NULL CHECK (role IN ('guest', 'user', 'admin', 'super')),
  tier text NOT NULL DEFAULT 'standard' CHECK (tier IN ('standard', 'premium')),
  created_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_by uuid REFERENCES users ON DELETE SET NULL,
  used_at timestamptz
);
CREATE INDEX invites_expiry ON invites (expires_at);

-- Single-use links of mails. A registration in open mode exists here only until its address is confirmed.
CREATE TABLE mail_tokens (
  hash bytea PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('register', 'reset', 'email')),
  user_id uuid REFERENCES users ON DELETE CASCADE, -- NULL for a registration
  email text NOT NULL,                      -- what is confirmed
  display_name text,                        -- of a registration
  password_hash text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX mail_tokens_user ON mail_tokens (user_id, purpose);
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);

CREATE TABLE api_tokens (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  name text NOT NULL,
  hash bytea NOT NULL UNIQUE,
  hint text NOT NULL,                       -- its last four characters
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX api_tokens_user ON api_tokens (user_id, created_at DESC);

CREATE TABLE plex_pins (
  id uuid PRIMARY KEY,
  plex_pin_id bigint NOT NULL,
  client_id text NOT NULL,
  user_id uuid REFERENCES users ON DELETE CASCADE, -- set: links this account
  address text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX plex_pins_expiry ON plex_pins (expires_at);

-- Append-only by grant. Rows are written unchained; one job chains them (correctness.md 5).
CREATE TABLE audit_log (
  id bigserial PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor_id uuid,
  actor text NOT NULL,                      -- e-mail at that time, or 'system'
  action text NOT NULL,
  target_type text,
  target_id text,
  detail jsonb NOT NULL DEFAULT '{}',       -- never a token, never a body
  address text,
  request_id text
);
CREATE INDEX audit_log_at ON audit_log (at DESC, id DESC);
CREATE INDEX audit_log_actor ON audit_log (actor_id, id DESC);
CREATE TABLE audit_chain (
  seq bigint PRIMARY KEY,
  audit_id bigint NOT NULL UNIQUE REFERENCES audit_log,
  hash bytea NOT NULL                       -- sha256(previous hash || the row)
);

CREATE TABLE activity (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT now(),
  kind text NOT NULL,                       -- session.created, media.uploaded, ...
  data jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX activity_user ON activity (user_id, at DESC, id DESC);

CREATE TABLE idempotency_keys (
  principal uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  route text NOT NULL,
  key text NOT NULL,
  body_hash bytea NOT NULL,
  status integer NOT NULL,
  response text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (principal, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
