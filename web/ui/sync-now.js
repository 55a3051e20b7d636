/* Queues a sync of one server, or of all. */
import { api } from '../lib/api.js';
import { fail, toast } from './toast.js';

export async function
syncNow(serverId)
{
	try {
		await api.post('/integrations/plex/sync', serverId ? { serverId } : {});
		toast('Sync queued. The report appears here when it is done.');
	} catch (problem) {
		fail(problem);
	}
}
