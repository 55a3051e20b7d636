/* Kinds of notifications in words, and what opening one leads to. */

/* kind: [what it is about, permissions, one of which is needed to get it] */
const KINDS = {
	'media.ready': ['Uploads that are ready'],
	'media.failed': ['Uploads that failed'],
	'media.played': ['What I watched and heard'],
	'share.new': ['What others share with me', 'media.read'],
	'share.added': ['What others add to shared albums', 'media.read'],
	'download.ready': ['Downloads that are ready', 'media.read'],
	'library.new': ['New films, series and music'],
	'request.created': ['New requests', 'integrations.configure'],
	'request.approved': ['My requests: approved', 'integrations.view'],
	'request.declined': ['My requests: declined', 'integrations.view'],
	'request.available': ['My requests: available', 'integrations.view'],
	'sync.completed': ['Syncs that are done', 'integrations.configure'],
	'sync.failed': ['Syncs that failed', 'integrations.configure'],
	'alert.raised': ['Problems of the server', 'integrations.configure', 'webhooks.manage',
		'users.manage'],
	'alert.cleared': ['Problems that are gone', 'integrations.configure', 'webhooks.manage',
		'users.manage'],
	'system.event': ['What media servers report', 'webhooks.manage'],
	'session.ended': ['Sign-ins that were ended'],
	'system.broadcast': ['Messages from the admins'],
};

/* What the person can get of these: [[kind, text]]. */
export const kindsFor = (can) => Object.entries(KINDS).filter(([, [, ...permissions]]) =>
    !permissions.length || permissions.some(can)).map(([kind, [text]]) => [kind, text]);

/* [kind or the beginning of some, member of data, address], as src/model/notification_places.def */
const PLACES = [
	['library.new', 'groupMediaId', 'title?id='],
	['library.new', 'mediaId', 'title?id='],
	['library.new', 'mediaIds', 'title?id='],
	['library.new', '', 'shelves'],
	['share.', 'collectionId', 'album?id='],
	['share.', 'mediaId', 'notifications?item='],
	['share.', '', '?sort=newest'],
	['download.ready', '', 'notifications?downloads=all'],
	['media.played', 'mediaId', 'title?id='],
	['media.played', '', 'shelves'],
	['request.', '', 'requests'],
	['session.ended', '', 'you'],
	['', 'syncId', 'sync?id='],
	['', 'endpointId', 'endpoint?id='],
	['', 'eventId', 'webhooks?tab=inbox'],
	['', 'serverId', 'server?id='],
	['', 'mediaId', 'notifications?item='],
	['', 'mediaIds', 'notifications?item='],
	['media.', '', '?sort=newest'],
	['alert.', '', 'alerts'],
];

/* The id in a member of data: of one thing, or of a list of one. */
const idIn = (value) => (Array.isArray(value) ? value.length === 1 && value[0] : value);

/* The address of the thing that a notification is about; null where there is none. */
export function
target({ kind, data = {} })
{
	const place = PLACES.find(([start, member]) =>
	    kind.startsWith(start) && (!member || idIn(data[member])));

	if (!place)
		return null;
	const [, member, address] = place;

	return `#/${address}${address.endsWith('=') ? encodeURIComponent(idIn(data[member])) : ''}`;
}
