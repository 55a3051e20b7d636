-- Jobs that ask another server: at most one of a lane runs at a time, so that a server that hangs
-- holds one runner and not all.
ALTER TABLE jobs ADD COLUMN lane text;
CREATE INDEX jobs_lane ON jobs (lane) WHERE state = 'running' AND lane IS NOT NULL;

-- Groups of notes that are told as one if there are too many of them at a time: the series of a
-- library.
ALTER TABLE notification_groups ADD COLUMN wider text, ADD COLUMN wider_title text;
CREATE INDEX notification_groups_wider ON notification_groups (topic, wider)
  WHERE wider IS NOT NULL;

-- The path of an endpoint's address may be a credential, as Slack's and Discord's are: `url` is
-- sealed (webhook_endpoints, id, url), and people see the origin. The worker seals addresses from
-- before.
ALTER TABLE webhook_endpoints ADD COLUMN origin text;
UPDATE webhook_endpoints SET origin = coalesce(substring(url from '^[^/]*//[^/?#]*'), '');
ALTER TABLE webhook_endpoints ALTER COLUMN origin SET NOT NULL;
