-- An invitation ends with the rights of its author: the API token that made it is one of them.
ALTER TABLE invites ADD COLUMN token_id uuid REFERENCES api_tokens ON DELETE SET NULL;
CREATE INDEX invites_newest ON invites (created_at DESC, id DESC);
CREATE INDEX invites_author ON invites (created_by);
CREATE INDEX invites_token ON invites (token_id) WHERE token_id IS NOT NULL;

-- Mails with a link that somebody asked for, counted for each address that they go to and for each
-- address that asks. subject: 'account:<sha256>', 'address:<address>'.
CREATE TABLE mail_counters (
  subject text PRIMARY KEY,
  asked integer NOT NULL,
  window_start timestamptz NOT NULL,
  last_at timestamptz NOT NULL
);
CREATE INDEX mail_counters_age ON mail_counters (last_at);
CREATE INDEX mail_tokens_email ON mail_tokens (email, purpose);

-- What deleted people left in the trash.
CREATE INDEX media_nobodys_trash ON media (trashed_at DESC, id DESC)
  WHERE status = 'trashed' AND owner_id IS NULL;

-- The links of mails that were given up.
UPDATE jobs SET payload = payload - 'url'
  WHERE queue = 'mail' AND state IN ('done', 'dead') AND payload ? 'url';
