-- A link of a mail and a PIN that links an account are good while the generation of the person is
-- the one that they were made in, and while the session that asked for them goes on. No reference
-- to sessions: a session that is not there any more has ended.
ALTER TABLE mail_tokens ADD COLUMN session_id uuid, ADD COLUMN generation bigint;
ALTER TABLE plex_pins ADD COLUMN session_id uuid, ADD COLUMN generation bigint;
UPDATE mail_tokens t SET generation = u.generation FROM users u WHERE u.id = t.user_id;
-- Older PINs have no session that could vouch for them.
DELETE FROM plex_pins WHERE user_id IS NOT NULL;
CREATE INDEX plex_pins_user ON plex_pins (user_id) WHERE user_id IS NOT NULL;
