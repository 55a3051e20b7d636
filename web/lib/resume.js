/*
 * What the tray holds, kept in IndexedDB until it has ended: which files, how far they were, and
 * the way back to each where the browser gives one (a handle, or the bytes of what was pasted).
 * What a page left behind that was closed or crashed is taken over by the next one of that person.
 */
import { me } from './session.js';

const STORE = 'tray';
const TAB = crypto.randomUUID?.() ?? String(Math.random());
const LOCK = 'medianest-tray-';
const BLOB_MAX = 64e6; /* larger pasted files are not copied */

/* Held as long as this page lives: by it others know that its uploads are not theirs. */
navigator.locks?.request(LOCK + TAB, () => new Promise(() => {}));

let opening = null;

function
open()
{
	opening ??= new Promise((done, failed) => {
		const asked = indexedDB.open('medianest', 1);

		asked.onupgradeneeded = () => asked.result.createObjectStore(STORE,
		    { keyPath: 'key' });
		asked.onsuccess = () => done(asked.result);
		asked.onerror = () => failed(asked.error);
		asked.onblocked = () => failed(new Error('blocked'));
	});
	return opening;
}

/* Runs one transaction. Where nothing can be kept, uploads do not outlive the page, that is all. */
async function
within(mode, fn)
{
	try {
		const db = await open();
		const all = db.transaction(STORE, mode, { durability: 'relaxed' });

		return await new Promise((done, failed) => {
			let result = null;

			all.oncomplete = () => done(result);
			all.onabort = all.onerror = () => failed(all.error);
			fn(all.objectStore(STORE), (value) => {
				result = value;
			});
		});
	} catch {
		return null;
	}
}

const recordOf = (u) => ({ key: u.key, tab: TAB, user: u.user, at: u.at, name: u.name,
    size: u.size, modified: u.modified, type: u.type, path: u.path ?? null,
    sha256: u.sha256 ?? null, uploadId: u.uploadId ?? null, mediaId: u.mediaId ?? null,
    allowDuplicate: u.allowDuplicate ?? false, arrived: u.state === 'finishing',
    there: ['processing', 'ready', 'duplicate'].includes(u.state),
    album: Boolean(u.album && !u.filed),
    sidecar: u.sidecarGiven ? null : u.sidecar ?? null,
    handle: u.handle ?? null, blob: u.pasted && u.size <= BLOB_MAX ? u.file : null,
    problem: u.state === 'failed' ? u.problem?.message : null, hopeless: u.hopeless ?? false });

export function
keep(list)
{
	return within('readwrite', (store) => list.forEach((u) => {
		const record = recordOf(u);

		try {
			store.put(record);
		} catch {
			store.put({ ...record, handle: null, blob: null, sidecar: null });
		}
	}));
}

export const drop = (key) => within('readwrite', (store) => store.delete(key));

const watched = new Set(); /* other pages */

/* Calls fn when that page has ended. */
async function
watch(tab, fn)
{
	if (watched.has(tab))
		return;
	watched.add(tab);
	await navigator.locks.request(LOCK + tab, () => {});
	watched.delete(tab);
	fn();
}

/*
 * What other pages of this person left behind, and this one before they signed in again, oldest
 * first: it is this page's from now on. keysNow() returns the set of what it has already. more() is
 * called when a page has ended that is still there.
 */
export async function
takeOver(keysNow, more)
{
	const alive = new Set((await navigator.locks?.query())?.held
	    ?.filter(({ name }) => name.startsWith(LOCK)).map(({ name }) =>
		name.slice(LOCK.length)) ?? []);
	const mine = me.user?.id;
	const found = await within('readwrite', (store, result) => {
		store.getAll().onsuccess = ({ target }) => {
			const keys = keysNow();
			const other = target.result.filter(({ key, user }) => user === mine &&
			    !keys.has(key));
			const ended = ({ tab }) => tab === TAB || !alive.has(tab);
			const left = other.filter(ended);

			other.filter((one) => !ended(one)).forEach(({ tab }) => watch(tab, more));
			left.forEach((record) => store.put({ ...record, tab: TAB }));
			result(left);
		};
	});

	return (found ?? []).sort((a, b) => a.at - b.at);
}

/* The same file, chosen again. */
export const isSame = (u, file) => u.name === file.name && u.size === file.size &&
    u.modified === file.lastModified;

/* The file behind a kept handle, null if the browser has to ask first (`ask`: it may) or cannot. */
export async function
reopen(u, ask)
{
	try {
		const may = { mode: 'read' };
		const state = await u.handle.queryPermission(may);

		if (state !== 'granted' &&
		    (!ask || await u.handle.requestPermission(may) !== 'granted'))
			return null;
		const file = await u.handle.getFile();

		return isSame(u, file) ? file : null;
	} catch {
		return null;
	}
}
