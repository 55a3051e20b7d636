/* Kinds and states of jobs in words. */
const KINDS = {
	'alert.watch': 'Look for what to warn of', 'audit.chain': 'Seal the audit log',
	'download.build': 'Make an archive to download',
	'download.remove': 'Remove archives',
	'library.settle': 'Apply the rules of a library', 'mail.notes': 'Mail notifications',
	'mail.reset': 'Mail a link for a new password', 'mail.send': 'Send a mail',
	'media.enrich': 'Look up a title', 'media.poster': 'Fetch a poster',
	'media.playback': 'Convert a video', 'media.process': 'Process an upload',
	'media.purge': 'Remove files of a deleted item',
	'media.reread': 'Read older files again',
	'media.turn': 'Turn the pictures of an item', 'media.zone': 'Apply a new time zone',
	'notify.group': 'Tell about new items', 'requests.list': 'Compare requests',
	'requests.refresh': 'Refresh requests', 'server.remove': 'Remove a server’s items',
	'session.push': 'End sessions everywhere', 'sync.run': 'Sync a media server',
	'title.poster': 'Fetch the poster of a title', 'trash.empty': 'Empty a trash',
	'webhook.deliver': 'Send webhooks',
	'webhook.expire_deliveries': 'Housekeeping: sent webhooks',
	'webhook.expire_events': 'Housekeeping: received webhooks',
	'webhook.process': 'Process a webhook',
	'webhook.silence': 'Look for silent servers',
};

export const jobName = (kind) => KINDS[kind] ??
    (kind.startsWith('upkeep.') ? `Housekeeping: ${kind.slice(7).replace(/_/g, ' ')}` : kind);

/* state: [word, tone] */
export const STATES = {
	available: ['Waiting', 'on'], running: ['Running', 'good'], done: ['Done', 'plain'],
	dead: ['Failed', 'bad'],
};
export const QUEUES = {
	media: 'Photos and songs', video: 'Videos', quick: 'Quick jobs', mail: 'Mail',
	upkeep: 'Housekeeping', events: 'Events', deliver: 'Webhooks out', sync: 'Syncs',
	enrich: 'Titles and posters', requests: 'Requests', lookups: 'Questions to media servers',
	downloads: 'Archives', playback: 'Videos to play', ahead: 'Videos converted ahead',
	reread: 'Older files',
};
export const queueName = (queue) => QUEUES[queue] ?? queue;
