/* Kinds of notifications in words, and what opening one leads to. */
import { link } from './router.js';

/* kind: [what it is about, permission that is needed to get it] */
export const KINDS = {
	'media.ready': ['Uploads that are ready'],
	'media.failed': ['Uploads that failed'],
	'media.played': ['What I watched and heard'],
	'library.new': ['New films, series and music'],
	'request.created': ['New requests', 'integrations.configure'],
	'request.approved': ['My requests: approved', 'integrations.view'],
	'request.declined': ['My requests: declined', 'integrations.view'],
	'request.available': ['My requests: available', 'integrations.view'],
	'sync.completed': ['Syncs that are done', 'integrations.configure'],
	'sync.failed': ['Syncs that failed', 'integrations.configure'],
	'alert.raised': ['Problems of the server', 'integrations.configure'],
	'alert.cleared': ['Problems that are gone', 'integrations.configure'],
	'system.event': ['What media servers report', 'webhooks.manage'],
	'session.ended': ['Sign-ins that were ended'],
	'system.broadcast': ['Messages from the admins'],
};

/* The address of the thing that a notification is about; null where there is none. */
export function
target({ kind, data = {} })
{
	const one = data.groupMediaId ?? data.mediaId ??
	    (data.mediaIds?.length === 1 ? data.mediaIds[0] : null);

	if (kind === 'library.new' || kind === 'media.played')
		return one ? link('title', { id: one }) : link('shelves');
	if (kind.startsWith('request.'))
		return link('requests');
	if (kind === 'session.ended')
		return link('you');
	if (data.syncId)
		return link('sync', { id: data.syncId });
	if (data.endpointId)
		return link('endpoint', { id: data.endpointId });
	if (data.eventId)
		return link('webhooks', { tab: 'inbox' });
	if (data.serverId)
		return link('server', { id: data.serverId });
	/* over the list, so that closing it leads back to where one was */
	if (one)
		return link('notifications', { item: one });
	return kind.startsWith('media.') ? link('library', { sort: 'newest' }) : null;
}
