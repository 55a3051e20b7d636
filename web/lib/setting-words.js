/*
 * Settings in words, by group. A live setting without a line here fails t/530-page-admin.t; others
 * are shown by their key.
 */
const GROUPS = {
	'Accounts and sign-in': {
		'registration.mode': 'Who may create an account',
		'login.per_account_address': 'Wrong passwords for an account from one address',
		'login.per_account': 'Wrong passwords for an account from all addresses',
		'login.per_address': 'Wrong passwords from one address',
		'mail.link_interval': 'Pause between emailed links',
		'mail.links_per_account': 'Emailed links an hour for one account',
		'mail.links_per_address': 'Emailed links an hour from one address',
		'session.refresh_leeway': 'Leeway when a session is renewed',
		'session.refresh_repeat': 'Time to repeat a lost renewal',
		'session.access_ttl': 'Lifetime of an access token',
		'session.refresh_ttl': 'Lifetime of an unused session',
	},
	'Request limits': {
		'rate_limit.anonymous.per_minute': 'Requests a minute, not signed in',
		'rate_limit.anonymous.per_hour': 'Requests an hour, not signed in',
		'rate_limit.authenticated.per_minute': 'Requests a minute, signed in',
		'rate_limit.authenticated.per_hour': 'Requests an hour, signed in',
		'rate_limit.premium.per_minute': 'Requests a minute, premium',
		'rate_limit.premium.per_hour': 'Requests an hour, premium',
		'rate_limit.admin.per_minute': 'Requests a minute, admins',
		'rate_limit.admin.per_hour': 'Requests an hour, admins',
		'rate_limit.class.upload.per_minute': 'Uploads started a minute',
		'rate_limit.class.search.per_minute': 'Searches a minute',
		'rate_limit.class.media.per_minute': 'Requests for media a minute',
		'rate_limit.class.pin.per_minute': 'Checks of a sign-in PIN a minute',
		'rate_limit.class.webhook.per_minute': 'Incoming webhooks a minute, each source',
		'rate_limit.class.link.per_minute': 'Requests to public links a minute',
		'links.per_minute': 'Requests a minute to one public link',
		'rate_limit.edge.per_second': 'Requests a second at nginx',
		'rate_limit.edge.storage_per_second': 'File requests a second at nginx',
		'cors.origins': 'Other sites that may call the API',
	},
	'Uploads and storage': {
		'media.transcode': 'Convert what browsers can’t play',
		'media.transcode_height': 'Shorter side of converted videos',
		'media.transcode_limit': 'Storage for converted videos',
		'media.transcode_encoder': 'Encoder of converted videos',
		'upload.max_size': 'Largest file', 'upload.types': 'Types of files',
		'upload.ttl': 'Lifetime of an unfinished upload',
		'upload.url_ttl': 'Lifetime of the URLs of an upload',
		'links.enabled': 'Public links', 'links.per_person': 'Public links of a person',
		'quota.default': 'Storage for each person', 'trash.days': 'Days in the trash',
		'downloads.max_size': 'Archives of each person together',
		'downloads.max_count': 'Archives of each person at once',
		'downloads.hours': 'Hours that archives are kept',
		'storage.endpoint': 'Object store',
		'storage.public_endpoint': 'Object store for clients',
		'storage.embedded': 'Embedded object store', 'storage.bucket': 'Bucket',
		'storage.region': 'Region', 'storage.access_key': 'Access key',
		'storage.secret_key': 'Secret key', 'storage.path_style': 'Bucket in the path',
		'storage.ca_file': 'Certificate authority of the store',
	},
	Notifications: {
		'notifications.keep_days': 'Days that notifications are kept',
		'notifications.group_seconds': 'Wait for others that belong together',
		'notifications.digest_hour': 'Hour of the daily mail',
		'notifications.heartbeat': 'Heartbeat of live events',
	},
	Webhooks: {
		'hooks.off_after': 'Switch off a failing endpoint after',
		'hooks.silence': 'Warn of a silent media server after',
	},
	Alerts: {
		'alerts.window': 'Time that is measured',
		'alerts.latency.threshold': 'Slow responses',
		'alerts.latency_critical.threshold': 'Very slow responses',
		'alerts.errors.threshold': 'Share of errors',
		'alerts.cache_hits.threshold': 'Share of cache hits, at least',
		'alerts.sync_age.threshold': 'Age of the last sync',
		'alerts.queue_lag.threshold': 'Wait of a job that is due',
		'alerts.batch_failures.threshold': 'Share of uploads that cannot be read',
		'alerts.dead_jobs.threshold': 'Jobs that failed for good',
		'alerts.disk_full.threshold': 'Days until the disk is full',
		'alerts.mail_failing.threshold': 'Minutes without a mail that could be sent',
		'alerts.certificate.threshold': 'Days until the certificate expires',
		'alerts.redis_rebuilt.threshold': 'Times that Redis was filled again',
		'alerts.backup_age.threshold': 'Age of the last backup',
		'alerts.one_address.threshold': 'People from one private address',
	},
	Integrations: {
		'sync.minutes': 'Minutes between syncs', 'plex.tv_url': 'Plex service',
		'tmdb.url': 'TMDB', 'tmdb.image_url': 'Pictures of TMDB',
		'tmdb.api_key': 'Key for TMDB',
		'outbound.allow': 'Private addresses that may be called',
		'outbound.ca_file': 'Trusted certificate authorities',
	},
	Mail: {
		'smtp.host': 'Mail server', 'smtp.port': 'Port', 'smtp.tls': 'Encryption',
		'smtp.user': 'User name', 'smtp.password': 'Password', 'smtp.from': 'Sender',
		'smtp.ca_file': 'Certificate authority of the mail server',
	},
	Backups: {
		'backup.directory': 'Where backups are kept',
		'backup.keep': 'Backups that are kept',
		'backup.keys_file': 'Who can read the keys in a backup',
	},
	Processing: {
		'worker.media.concurrency': 'Photos and songs at once',
		'worker.video.concurrency': 'Videos at once', 'worker.lease': 'Take over after',
		'worker.poll': 'Look at the queue at least every',
		'media.timeout': 'Longest time for a file', 'media.max_pixels': 'Largest picture',
		'media.sandbox': 'Sandbox', 'media.tag_charsets': 'Charsets of old songs',
		'search.languages': 'Languages of the search',
		'media.reread': 'Read older files again after an upgrade',
		'media.places': 'Places and maps', 'media.places_data': 'Names of places',
	},
	Server: {
		'public.url': 'Address of this house', 'data.dir': 'Data directory',
		'run.dir': 'Run directory', 'keys.dir': 'Directory of keys',
		'trusted_proxies': 'Trusted proxies', 'metrics.allow': 'May read metrics',
		'metrics.interval': 'Measure every', 'log.level': 'What is logged',
		'run.socket_group': 'Group that may connect', 'nginx.listen': 'Ports of the page',
		'nginx.storage_listen': 'Ports of the files', 'nginx.certificate': 'Certificate',
		'nginx.certificate_key': 'Key of the certificate', 'nginx.log_dir': 'Logs of nginx',
		'nginx.connections': 'Connections of nginx',
	},
};

const WORDS = new Map(Object.entries(GROUPS).flatMap(([group, words]) =>
    Object.entries(words).map(([key, text]) => [key, { group, text }])));

/* The words for families of settings: [pattern, group, (match) => text]. */
const FAMILIES = [
	[/^pool\.(\w+)\.workers$/, 'Processes', ([, name]) => `Processes of the pool ${name}`],
	[/^pool\.(\w+)\.workers_max$/, 'Processes', ([, name]) =>
	    `Processes of the pool ${name}, at most`],
	[/^pool\.(\w+)$/, 'Processes', ([, name]) => `Pools: ${name.replace(/_/g, ' ')}`],
	[/^database\.(\w+)$/, 'Server', ([, name]) => `Database: ${name.replace(/_/g, ' ')}`],
	[/^redis\.(\w+)$/, 'Server', ([, name]) => `Redis: ${name}`],
];

export const GROUP_NAMES = [...Object.keys(GROUPS), 'Processes', 'Other'];
export const hasWords = (key) => WORDS.has(key);

/* key -> {group, text} */
export function
settingWords(key)
{
	for (const [pattern, group, text] of FAMILIES) {
		const found = pattern.exec(key);
		if (found)
			return { group, text: text(found) };
	}
	return WORDS.get(key) ?? { group: 'Other', text: key };
}
