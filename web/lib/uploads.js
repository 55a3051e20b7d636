/*
 * Uploads: files wait, are announced to the server in batches (announcing is limited to a few calls
 * a minute, a batch counts once), go straight to the file store three at a time, and are reported
 * as complete in batches. A lost connection only makes them wait. Changes arrive as 'uploads' on
 * the bus.
 */
import { pause } from './again.js';
import { api, Problem, reachable } from './api.js';
import { emit, on } from './bus.js';
import { known, refresh, remember } from './media.js';
import { drop, keep, resume } from './resume.js';

const AT_ONCE = 3;
const BATCH = 100;
/* announced together, so that addresses do not expire before their turn */
const BATCH_BYTES = 2e9;
const GATHER_MS = 150;
const COMPLETE_MS = 300;
/* larger files are not hashed here: that would need all of them in memory */
const HASH_MAX = 64e6;
const PUT_TRIES = 8;
const PARTS_AT_ONCE = 2;
const PART_URLS = 8;           /* asked for together */
const LONGEST_WAIT_MS = 30000;
const STALL_MS = 60000;        /* no byte moved for so long: start again */
const ONLINE_EVERY_MS = 10000; /* a look at whether the server is there, while offline */
const SPARE_MS = 15000;        /* an address that expires within this is renewed first */

/* oldest first: {id, file, name, size, state, sent, step, problem, mediaId, item} */
export const uploads = [];
export let blockedOrigin = null; /* the file store, when this browser cannot reach it */

/* An upload in one of these states is lost when the page is left. */
const OPEN = ['waiting', 'starting', 'ready-to-send', 'sending', 'finishing'];
let nextId = 1;
let announcing = false;
let gather = 0;
const finishing = [];
let finishTimer = 0;
let reached = false;  /* the server, while the browser says that it is offline */
let checking = false;

export const isOpen = (u) => OPEN.includes(u.state);
export const openCount = () => uploads.filter(isOpen).length;

function
set(upload, fields)
{
	Object.assign(upload, fields);
	emit('uploads', { upload });
}

/* The server knows the names that browsers have for a type, and the endings of file names. */
const UNKNOWN_TYPE = 'application/octet-stream';

export function
addFiles(files)
{
	for (const file of files) {
		/* Pasted pictures are all called image.png. */
		const name = file.name ||
		    `Pasted ${new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-')}`;
		uploads.push({ id: nextId++, file, name, size: file.size,
		    type: file.type || UNKNOWN_TYPE,
		    state: 'waiting', sent: 0, tries: 0 });
	}
	emit('uploads', {});
	clearTimeout(gather);
	gather = setTimeout(pump, GATHER_MS);
}

async function
sha256(file)
{
	if (file.size > HASH_MAX || !crypto.subtle)
		return null;
	const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());

	return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('');
}

/* The next batch of waiting files goes to the server when the sent ones run out. */
async function
announce()
{
	const waiting = uploads.filter((u) => u.state === 'waiting' && !(u.notBefore > Date.now()));
	const batch = [];
	let sum = 0;

	if (announcing || !waiting.length || blockedOrigin ||
	    uploads.filter((u) => u.state === 'ready-to-send').length >= AT_ONCE)
		return;
	announcing = true;
	for (const u of waiting) {
		if (batch.length === BATCH || (batch.length && sum + u.size > BATCH_BYTES))
			break;
		batch.push(u);
		sum += u.size;
		set(u, { state: 'starting', hold: null });
	}
	try {
		const files = [];
		for (const u of batch) {
			if (u.state !== 'starting')
				continue;
			const open = await resume(u.file, (id) =>
			    uploads.some((other) => other !== u && other.uploadId === id));
			if (u.state !== 'starting')
				continue;
			if (open) {
				announced(u, { ...open, status: 201 });
				continue;
			}
			try {
				u.sha256 ??= await sha256(u.file);
			} catch {
				if (u.state !== 'starting')
					continue;
				const detail = 'This file can no longer be read. Choose it again.';
				set(u, { state: 'failed', problem: new Problem(0, { detail }) });
				continue;
			}
			if (u.state === 'starting')
				files.push(u);
		}
		const answer = files.length ?
		    await api.post('/media/upload/initiate', { files: files.map((u) => ({
			filename: u.name, size: u.size, type: u.type,
			...(u.sha256 ? { sha256: u.sha256 } : {}),
			...modified(u.file),
		})) }, { patient: true, again: true,
		    headers: { 'Idempotency-Key': crypto.randomUUID() },
		    onwait: (ms) => files.forEach((u) => set(u, { hold: ms })) }) :
		    { items: [] };
		answer.items.forEach((one, i) => announced(files[one.index ?? i], one));
	} catch (problem) {
		for (const u of batch)
			if (u.state === 'starting')
				later(u, problem);
	}
	announcing = false;
	pump();
}

/* When the file was changed last: the date of a photo that has none. */
const modified = (file) => (file?.lastModified > 0 ?
    { modifiedAt: new Date(file.lastModified).toISOString() } : {});

function
announced(u, one)
{
	if (u.state === 'cancelled')
		return;
	if (one.duplicateOf)
		set(u, { state: 'duplicate', mediaId: one.duplicateOf });
	else if (one.status === 201) {
		if (one.multipart)
			keep(u.file, one);
		set(u, { state: 'ready-to-send', uploadId: one.uploadId, mediaId: one.mediaId,
		    ticket: one, hold: null });
	} else
		set(u, { state: 'failed', problem: new Problem(one.status, one) });
}

/* Back to the queue after a failure that may pass; otherwise failed. */
function
later(u, problem)
{
	const passing = problem.status === 0 || problem.status === 429 || problem.status >= 500;

	u.ticket = null;
	if (problem.status === 0)
		reached = false;
	if (!passing || ++u.tries > PUT_TRIES) {
		set(u, { state: 'failed', problem });
		return;
	}
	const wait = Math.max((problem.retryAfter ?? 0) * 1000,
	    Math.min(LONGEST_WAIT_MS, 1000 * 2 ** u.tries));
	set(u, { state: 'waiting', sent: 0, notBefore: Date.now() + wait, problem });
	setTimeout(pump, wait + 50);
}

/*
 * Resolves when the server can be reached. That the browser is offline is a hint only: in a network
 * without a way out this server may be the one that is there.
 */
async function
online()
{
	while (!navigator.onLine && !reached) {
		reached = await reachable(location.origin);
		if (!reached)
			await pause(ONLINE_EVERY_MS);
	}
}

export const isCut = () => !navigator.onLine && !reached;

async function
pumpOnline()
{
	if (checking)
		return;
	checking = true;
	await online();
	checking = false;
	pump();
}

export function
pump()
{
	if (isCut()) {
		if (openCount())
			pumpOnline();
		return;
	}
	while (!blockedOrigin && uploads.filter((u) => u.state === 'sending').length < AT_ONCE) {
		const u = uploads.find((one) => one.state === 'ready-to-send');
		if (!u)
			break;
		if (u.ticket.expiresAt && Date.parse(u.ticket.expiresAt) < Date.now() + SPARE_MS)
			set(u, { state: 'waiting', ticket: null });
		else
			send(u);
	}
	announce();
}

/* One PUT, by XMLHttpRequest because fetch reports no upload progress. Resolves with the ETag. */
function
put(u, url, headers, body, base)
{
	return new Promise((done, failed) => {
		const xhr = new XMLHttpRequest();
		let stall = 0;
		const alive = () => {
			clearTimeout(stall);
			stall = setTimeout(() => xhr.abort(), STALL_MS);
		};
		const end = (fn, value) => {
			clearTimeout(stall);
			u.xhrs.delete(xhr);
			fn(value);
		};

		u.target = url;
		u.xhrs.add(xhr);
		xhr.open('PUT', url);
		for (const [name, value] of Object.entries(headers ?? {}))
			if (name.toLowerCase() !== 'content-length' &&
			    name.toLowerCase() !== 'host')
				xhr.setRequestHeader(name, value);
		xhr.upload.onprogress = ({ loaded }) => {
			alive();
			set(u, { sent: Math.min(u.size, base + loaded) });
		};
		xhr.onload = () => {
			if (xhr.status >= 200 && xhr.status < 300)
				end(done, xhr.getResponseHeader('ETag'));
			else
				end(failed, new Problem(xhr.status, { detail: refusal(xhr),
				    code: 'store_refused' }));
		};
		xhr.onerror = () => end(failed,
		    new Problem(0, { detail: 'Lost the connection to the file store.',
			code: 'store_unreachable' }));
		xhr.onabort = () => end(failed, new Problem(0, { code: 'aborted' }));
		alive();
		xhr.send(body);
	});
}

/* What the store says in its XML. */
function
refusal(xhr)
{
	const said = new DOMParser().parseFromString(xhr.responseText,
	    'text/xml').querySelector('Message')?.textContent;

	return xhr.status === 507 || xhr.status === 503 ? 'The file store is full or busy.' :
	    `The file store refused this file${said ? `: ${said}` : '.'}`;
}

async function
send(u)
{
	const { ticket } = u;

	set(u, { state: 'sending', sent: 0 });
	u.xhrs = new Set();
	try {
		if (ticket.multipart)
			u.parts = await sendParts(u, ticket.multipart, ticket.parts ?? []);
		else
			await put(u, ticket.uploadUrl, ticket.fields ?? ticket.headers, u.file, 0);
		if (u.state === 'cancelled')
			return;
		set(u, { state: 'finishing', sent: u.size });
		finishing.push(u);
		finishTimer ||= setTimeout(finish, COMPLETE_MS);
	} catch (problem) {
		if (u.state !== 'cancelled')
			await sendFailed(u, problem);
	}
	pump();
}

async function
sendFailed(u, problem)
{
	const origin = u.target && new URL(u.target).origin;

	if (origin && problem.code === 'store_unreachable' &&
	    origin !== location.origin && !(await reachable(origin))) {
		/* Is it us, or only the store? An untrusted certificate is the usual cause. */
		const here = await reachable(location.origin);
		if (here) {
			blockedOrigin = origin;
			set(u, { state: 'waiting', ticket: null, sent: 0 });
			emit('store-blocked', { origin });
			return;
		}
	}
	if (problem.status === 404 && u.ticket?.multipart)
		drop(u.uploadId); /* the store has let go of its parts: the next try is a new one */
	if (problem.status === 403 && !u.renewed) {
		u.renewed = true; /* the address had probably expired */
		set(u, { state: 'waiting', ticket: null, sent: 0 });
		return;
	}
	later(u, problem);
}

/*
 * Sends the parts of a large file that have not arrived yet, two at a time; a part that fails is
 * repeated alone.
 */
async function
sendParts(u, { partSize, partCount }, arrived)
{
	const done = arrived.map(({ number, etag }) => ({ number, etag }));
	const loaded = new Map(arrived.map(({ number, size }) => [number, size]));
	const left = Array.from({ length: partCount }, (_, i) => i + 1).filter((n) =>
	    !loaded.has(n));
	const urls = new Map();
	const tell = () => set(u, { sent: Math.min(u.size,
	    [...loaded.values()].reduce((a, b) => a + b, 0)) });
	const urlOf = async (number) => {
		if (!urls.has(number))
			for (const part of await partUrls(u, [number, ...left.filter((n) =>
			    !urls.has(n)).slice(0, PART_URLS - 1)]))
				urls.set(part.number, part.url);
		return urls.get(number);
	};
	const one = async () => {
		for (let number = left.shift(); number; number = left.shift()) {
			const from = (number - 1) * partSize;
			const blob = u.file.slice(from, Math.min(u.size, from + partSize));
			for (let tries = 1;; tries++) {
				try {
					const url = await urlOf(number);
					const etag = await put(u, url, null, blob, 0);
					done.push({ number, etag });
					loaded.set(number, blob.size);
					tell();
					break;
				} catch (problem) {
					if (u.state === 'cancelled' || tries >= PUT_TRIES ||
					    [400, 404, 409].includes(problem.status))
						throw problem;
					urls.delete(number);
					tell();
					await new Promise((next) => setTimeout(next,
					    Math.min(LONGEST_WAIT_MS, 500 * 2 ** tries)));
					await online();
				}
			}
		}
	};

	await Promise.all(Array.from({ length: PARTS_AT_ONCE }, one));
	return done.sort((a, b) => a.number - b.number);
}

async function
partUrls(u, numbers)
{
	const answer = await api.post(`/media/upload/${u.uploadId}/parts`, { numbers },
	    { patient: true, again: true });

	return answer.parts;
}

async function
finish()
{
	const batch = finishing.splice(0, BATCH);

	finishTimer = 0;
	if (!batch.length)
		return;
	try {
		const answer = await api.post('/media/upload/complete',
		    { uploads: batch.map((u) => ({ uploadId: u.uploadId,
			...(u.parts ? { parts: u.parts } : {}) })) },
		    { patient: true, again: true });
		answer.items.forEach((one, i) => finished(batch[one.index ?? i], one));
	} catch (problem) {
		for (const u of batch) {
			if (problem.status === 0 || problem.status >= 500 ||
			    problem.status === 429) {
				/* the bytes are there; only the report is missing */
				finishing.push(u);
				finishTimer ||= setTimeout(() => online().then(finish),
				    Math.max(5000, problem.retryAfter * 1000));
			} else {
				set(u, { state: 'failed', problem });
			}
		}
	}
	if (finishing.length)
		finishTimer ||= setTimeout(finish, COMPLETE_MS);
	pump();
}

function
finished(u, one)
{
	if (one.status >= 500) {
		finishing.push(u);
		return;
	}
	u.file = null; /* the browser may free it */
	drop(u.uploadId);
	if (one.status >= 400) {
		set(u, { state: 'failed', problem: new Problem(one.status, one) });
		return;
	}
	const item = remember(one.media);

	set(u, { state: 'processing', ticket: null, mediaId: item.id });
	emit('media-new', { item });
	follow(item);
}

/* The state of the item decides the line in the tray. */
function
follow(item)
{
	for (const u of uploads) {
		if (u.mediaId !== item.id || !['processing', 'ready', 'rejected'].includes(u.state))
			continue;
		if (item.status === 'ready')
			set(u, { state: 'ready' });
		else if (item.status === 'failed')
			set(u, { state: 'rejected', problem: { message: item.failure?.message ??
			    'This file could not be processed.' } });
		else if (item.status === 'processing' && u.state === 'rejected')
			set(u, { state: 'processing', step: null });
	}
}

export function
cancel(u)
{
	const was = u.state;

	set(u, { state: 'cancelled' });
	u.xhrs?.forEach((xhr) => xhr.abort());
	drop(u.uploadId);
	if (u.uploadId && was !== 'processing')
		api.delete(`/media/upload/${u.uploadId}`).catch(() => {});
	u.file = null;
	pump();
}

export function
retry(u)
{
	set(u, { state: 'waiting', tries: 0, sent: 0, problem: null, ticket: null, notBefore: 0,
	    renewed: false });
	pump();
}

/* After the person has accepted the store's certificate, or the network is back. */
export async function
unblock()
{
	if (blockedOrigin && !(await reachable(blockedOrigin)))
		return false;
	blockedOrigin = null;
	emit('uploads', {});
	pump();
	return true;
}

export function
clearDone()
{
	for (let i = uploads.length - 1; i >= 0; i--)
		if (!isOpen(uploads[i]) && uploads[i].state !== 'processing')
			uploads.splice(i, 1);
	emit('uploads', {});
}

export function
abandon()
{
	uploads.forEach((u) => u.xhrs?.forEach((xhr) => {
		u.state = 'cancelled';
		xhr.abort();
	}));
	uploads.length = 0;
	finishing.length = 0;
	blockedOrigin = null;
	emit('uploads', {});
}

/* The line does not wait for the item itself, which may be fetched with many others. */
on('media-event', ({ type, id, data }) => {
	const u = uploads.find((one) => one.mediaId === id && one.state === 'processing');

	if (u && type === 'media.processing.complete')
		set(u, { state: 'ready' });
	else if (u && type === 'media.processing.failed')
		set(u, { state: 'rejected', problem: { message: data.notification?.message ||
		    'This file could not be processed.' } });
});
on('media', ({ item }) => follow(item));
on('progress', ({ mediaId, step }) => {
	const u = uploads.find((one) => one.mediaId === mediaId && one.state === 'processing');

	if (u)
		set(u, { step });
});
on('resync', () => refresh(...uploads.filter((u) => u.state === 'processing' &&
    known(u.mediaId)).map((u) => u.mediaId)));
addEventListener('offline', () => {
	reached = false;
});
addEventListener('online', () => {
	uploads.forEach((u) => {
		u.notBefore = 0;
	});
	pump();
});
addEventListener('beforeunload', (event) => openCount() && event.preventDefault());
