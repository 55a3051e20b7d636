/* Events that are delivered to other programs, in words. */
export const EVENTS = {
	'media.ready': 'An upload is ready', 'media.failed': 'An upload failed',
	'media.deleted': 'An item was deleted', 'library.new': 'New in the libraries',
	'request.created': 'A title was requested', 'request.approved': 'A request was approved',
	'request.declined': 'A request was declined',
	'request.available': 'A requested title is available',
	'sync.completed': 'A sync is done', 'sync.failed': 'A sync failed',
	'alert.raised': 'A problem was found', 'alert.cleared': 'A problem is gone',
	'user.created': 'Someone joined',
};

export const eventWords = (names) => (names.includes('*') ? 'all events' :
    names.map((name) => EVENTS[name] ?? name).join(', '));
