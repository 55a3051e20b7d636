-- Notes that wait for others of their group, and mail at a preferred time.

ALTER TABLE notification_preferences DROP CONSTRAINT notification_preferences_email_check;
UPDATE notification_preferences SET email = 'daily' WHERE email = 'digest';
ALTER TABLE notification_preferences ADD CONSTRAINT notification_preferences_email_check
  CHECK (email IN ('off', 'now', 'daily', 'weekly'));

-- A group that is open: what happens joins it until due_at. Writers lock its row, and so does the
-- job that tells it and removes it: no part is left behind.
CREATE TABLE notification_groups (
  id uuid PRIMARY KEY,                 -- also the id of the note of a batch of uploads
  topic text NOT NULL,                 -- a kind; media.ready stands for media.failed too
  key text NOT NULL,                   -- show:<media id>, uploads, ...
  user_id uuid REFERENCES users ON DELETE CASCADE, -- NULL: everyone who can read the items
  title text,                          -- for people: 'Severance, season 2'
  told integer NOT NULL DEFAULT 0,     -- parts that the recipient's page has a note of
  due_at timestamptz NOT NULL,
  UNIQUE NULLS NOT DISTINCT (topic, key, user_id)
);
CREATE INDEX notification_groups_due ON notification_groups (due_at);
CREATE INDEX notification_groups_user ON notification_groups (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE notification_parts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  group_id uuid NOT NULL REFERENCES notification_groups ON DELETE CASCADE,
  kind text NOT NULL,
  title text,
  media_id uuid,                       -- no reference: what is gone by then is not counted
  failed boolean NOT NULL,
  items bigint NOT NULL DEFAULT 1      -- that it stands for
);
CREATE INDEX notification_parts_group ON notification_parts (group_id, media_id, id DESC);

-- Notes that wait for a digest. `email` is what the person wanted then; what they want now counts.
CREATE TABLE notification_mails (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL,
  email text NOT NULL CHECK (email IN ('daily', 'weekly')),
  title text NOT NULL,
  message text NOT NULL,
  data jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX notification_mails_user ON notification_mails (user_id, created_at);
CREATE INDEX notification_mails_age ON notification_mails (created_at);

-- One for each person, period and day: a digest is sent once.
CREATE TABLE notification_digests (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  period text NOT NULL CHECK (period IN ('daily', 'weekly')),
  day date NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, period, day)
);
CREATE INDEX notification_digests_age ON notification_digests (created_at);

-- Has a batch of uploads ended?
CREATE INDEX media_under_way ON media (owner_id) WHERE status IN ('pending', 'processing');
