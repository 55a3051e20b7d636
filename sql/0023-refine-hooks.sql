-- The path of an endpoint's address may be a credential, as Slack's and Discord's are: `url` is
-- sealed (webhook_endpoints, id, url), and people see the origin. The worker seals addresses from
-- before.
ALTER TABLE webhook_endpoints ADD COLUMN origin text NOT NULL DEFAULT ''; -- for pools from before
UPDATE webhook_endpoints SET origin = coalesce(substring(url from '^[^/]*//[^/?#]*'), '');
