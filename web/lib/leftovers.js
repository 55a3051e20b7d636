/* What a person does with lines of the tray, and what an earlier page has left of it. */
import { api } from './api.js';
import { emit } from './bus.js';
import { known, remember } from './media.js';
import { drop, reopen, takeOver } from './resume.js';
import { stateOf } from './transfer.js';
import { arrived, line, pump, retry, set, took, uploads } from './uploads.js';

/* A line that leads nowhere. */
export function
remove(u)
{
	uploads.splice(uploads.indexOf(u), 1);
	if (u.state === 'lost' && u.uploadId)
		api.delete(`/media/upload/${u.uploadId}`).catch(() => {});
	if (u.state === 'rejected' && u.mediaId)
		api.post(`/media/${u.mediaId}/trash`).then(() => emit('media-gone',
		    { id: u.mediaId }), () => {});
	drop(u.key);
	emit('uploads', {});
}

/* The twin in the trash comes back instead of the file. */
export async function
takeBack(u)
{
	remember(await api.post(`/media/${u.mediaId}/restore`, undefined, { again: true }));
	set(u, { state: 'duplicate', file: null });
	emit('media-new', { item: known(u.mediaId) });
}

/* A second copy of what is in the trash. */
export function
insist(u)
{
	set(u, { allowDuplicate: true });
	retry(u);
}

/* Takes over what an earlier page of this person has left behind. */
export async function
recall()
{
	const keysNow = () => new Set(uploads.map(({ key }) => key));
	const found = await takeOver(keysNow, recall);
	const keys = keysNow();

	for (const { tab, problem, blob, ...one } of found) {
		if (keys.has(one.key))
			continue;
		const u = line({ ...one, file: blob ?? null, pasted: Boolean(blob),
		    state: problem ? 'failed' : 'lost',
		    problem: problem ? { message: problem } : null });

		uploads.push(u);
		if (u.there && u.mediaId)
			took(u, u.mediaId);
		else if (u.state === 'lost')
			find(u, false).catch(() => {});
	}
	emit('uploads', {});
}

/* Looks for the file of an upload that was left behind; `ask`: the browser may ask the person. */
export async function
find(u, ask)
{
	const file = u.file ?? (u.handle ? await reopen(u, ask) : null);

	if (file && u.state === 'lost') {
		set(u, { file, state: 'waiting' });
		pump();
	} else if (u.uploadId && u.state === 'lost') {
		const ticket = await stateOf(u);
		const there = ticket?.parts ?? [];

		if (u.state !== 'lost')
			return;
		if (!ticket)
			set(u, { uploadId: null, sent: 0 });
		else if (ticket.status === 'completed')
			took(u, ticket.mediaId);
		else if (ticket.multipart ? there.length === ticket.multipart.partCount : u.arrived)
			arrived(u);
		else
			set(u, { sent: there.reduce((sum, part) => sum + part.size, 0) });
	}
}
