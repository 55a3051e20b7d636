-- Groups of notes that are told as one if there are too many of them at a time: the series of a
-- library.
ALTER TABLE notification_groups ADD COLUMN wider text, ADD COLUMN wider_title text;
CREATE INDEX notification_groups_wider ON notification_groups (topic, wider)
  WHERE wider IS NOT NULL;
