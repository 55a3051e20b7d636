/*
 * Photos and videos turned by a person: at once on the page, which turns what it shows, and undone
 * from its message. The file itself is never turned.
 */
import { api } from '../lib/api.js';
import { emit, on } from '../lib/bus.js';
import { addIcons } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { refresh } from '../lib/media.js';
import { mayEdit } from '../lib/session.js';
import { fail, toast } from './toast.js';

const AT_ONCE = 100; /* as the API takes them */
const FULL = 360;

const PENDING_MS = 15000; /* at most: then what the server says counts */

addIcons({ rotate: 'M19 5v5h-5M18.5 10a7.5 7.5 0 1 0 1 4.5' });

/* id -> {rotation, sending}: as a person wants it, ahead of what the server says */
const pending = new Map();
let line = Promise.resolve(); /* turns reach the server in the order in which they were made */
let told = null;              /* the last message: {key, items, by, toast} */

export const turnable = (item) => item.source === 'upload' && item.status !== 'trashed' &&
    ['image', 'video'].includes(item.kind) && mayEdit(item);

/* What the page knows of an item, ahead of the server. */
function
show(item, by)
{
	for (const key of ['rotation', 'turnBy'])
		item[key] = ((item[key] ?? 0) + by) % FULL;
	if (by % 180)
		[item.width, item.height] = [item.height, item.width];
	emit('media', { item });
}

/* Responses from before a turn would turn the item back for a moment. */
on('media', ({ item }) => {
	const want = pending.get(item.id);
	const rotation = item.rotation ?? 0;

	if (want && want.rotation !== rotation)
		show(item, (want.rotation - rotation + FULL) % FULL);
	else if (want && !want.sending)
		pending.delete(item.id);
});

function
want(item, by)
{
	const entry = pending.get(item.id) ?? { sending: 0 };

	clearTimeout(entry.timer);
	entry.timer = setTimeout(() => pending.delete(item.id), PENDING_MS);
	entry.rotation = ((item.rotation ?? 0) + by) % FULL;
	entry.sending++;
	pending.set(item.id, entry);
	show(item, by);
}

/* Resolves with those that the server has turned; the others are back as they were. */
async function
send(items, by)
{
	const done = [];
	let problem = null;

	for (let i = 0; i < items.length; i += AT_ONCE) {
		const part = items.slice(i, i + AT_ONCE);
		try {
			const answer = await api.post('/media/bulk',
			    { ids: part.map(({ id }) => id), set: { rotateBy: by } },
			    { headers: { 'Idempotency-Key': crypto.randomUUID() }, again: true,
				patient: true });
			answer.items.forEach((one, n) => {
				if (one.status === 200)
					done.push(part[n]);
				else
					problem ??= { message: one.detail };
			});
		} catch (failure) {
			problem ??= failure;
		}
	}
	const left = items.filter((item) => !done.includes(item));
	for (const item of items) {
		const entry = pending.get(item.id);
		if (entry)
			entry.sending--;
	}
	for (const item of left) {
		pending.delete(item.id);
		show(item, FULL - by);
	}
	if (left.length)
		fail(problem, items.length > 1 ? `${many(left.length, 'item')} not rotated.` :
		    'Not rotated.');
	refresh(...items.map(({ id }) => id));
	return done;
}

/* Turns in a row of the same items are one message, whose action takes them all back. */
function
tell(items, by)
{
	const key = items.map(({ id }) => id).join();
	const sum = ((told?.key === key ? told.by : 0) + by) % FULL;
	const name = items.length === 1 ? `“${items[0].title}”` : many(items.length, 'item');

	told?.toast.close();
	told = null;
	if (!sum)
		return;
	told = { key, by: sum };
	told.toast = toast(`${name} rotated. Downloads stay as uploaded.`, {
		action: 'Undo', onaction: () => {
			told = null;
			turn(items, FULL - sum, true);
		}, ended: () => {
			if (told?.key === key)
				told = null;
		},
	});
}

/* by: degrees clockwise. Resolves when the server knows. */
export function
turn(items, by, silent = false)
{
	items.forEach((item) => want(item, by));
	line = line.then(() => send(items, by)).then((done) => {
		if (done.length && !silent)
			tell(done, by);
	});
	return line;
}
