/*
 * Uploads: files wait, their SHA-256 is computed, they are announced to the server in batches
 * (announcing is limited to a few calls a minute, a batch counts once), go straight to the file
 * store six at a time, and are reported as complete in batches. What the person has already is
 * not sent. A lost connection only makes them wait, and what has not ended is kept over a reload
 * (lib/resume.js). Changes arrive as 'uploads' on the bus.
 */
import { pause } from './again.js';
import { api, Problem, reachable } from './api.js';
import { emit, on } from './bus.js';
import { start as startFiling, waitsForAlbum, wanted } from './folders.js';
import { hashOf } from './hash.js';
import { fetchItem, known, refresh, remember } from './media.js';
import { drop, isSame, keep } from './resume.js';
import { me } from './session.js';
import { giveSidecars, start as startSidecars, waitsForSidecar } from './sidecars.js';
import { partSize, put, putParts, stateOf } from './transfer.js';

/*
 * As many connections as browsers open to one origin. On a long line with losses each of them
 * carries the same, however much the line could.
 */
const AT_ONCE = 6;
/* so much is announced and waits for its turn: then no next batch, which takes seconds to come */
const READY_FILES = 50;
const READY_BYTES = 1e9;
const BATCH = 100;
/* announced together, so that addresses do not expire before their turn */
const BATCH_BYTES = 2e9;
const GO_ON_AT_ONCE = 8;
const HASH_MS = 2000;          /* no batch waits longer for the sums of its files */
const HASH_APART = 64e6;       /* larger files are not waited for by a batch */
const GATHER_MS = 150;
const COMPLETE_MS = 300;
const KEEP_MS = 100;
const PUT_TRIES = 8;
const LOST_TRIES = 5;          /* the pauses become no longer */
const LONGEST_WAIT_MS = 30000;
const ONLINE_EVERY_MS = 10000; /* a look at whether the server is there, while offline */
const BLOCKED_EVERY_MS = 30000;
const SPARE_MS = 15000;        /* an address that expires within this is renewed first */

/* oldest first: {id, key, file, name, size, path, state, sent, step, problem, mediaId} */
export const uploads = [];
export let blockedOrigin = null; /* the file store, when this browser cannot reach it */
const answered = new Set();    /* origins of stores that it has reached */

/* An upload in one of these states is interrupted when the page is left. */
const OPEN = ['waiting', 'checking', 'starting', 'ready-to-send', 'sending', 'finishing', 'twin'];
/* These are kept over a reload. `lost`: the file has to be chosen again. */
const KEPT = [...OPEN, 'lost', 'failed', 'trashed'];
const KEPT_FIELDS = ['uploadId', 'sha256', 'album', 'filed', 'sidecar', 'sidecarGiven'];
/* The server has an item. */
export const THERE = ['processing', 'ready', 'duplicate'];
/* What another attempt would not change. */
const HOPELESS_STATUS = [400, 413, 415];
const HOPELESS_CODES = ['empty', 'protected', 'too_many_pixels', 'truncated', 'unreadable',
    'unsupported_type'];
const UNREADABLE = 'This file can no longer be read. Choose it again.';
const REJECTED = 'This file could not be processed.';
let nextId = 1;
let announcing = false;
let goingOn = 0;
let gather = 0;
const finishing = [];
let finishTimer = 0;
const unkept = new Set();
const twins = new Set();       /* uploads that wait for another one with the same bytes */
let keepTimer = 0;
let reached = false;           /* the server, while the browser says that it is offline */
let checking = false;

/* ...as is what lacks the album of its folder or its sidecar. */
const isKept = (u) => KEPT.includes(u.state) ||
    (THERE.includes(u.state) && (waitsForAlbum(u) || waitsForSidecar(u)));
export const isOpen = (u) => OPEN.includes(u.state);
export const openCount = () => uploads.filter(isOpen).length;

function
keepNow()
{
	const list = [...unkept];

	keepTimer = 0;
	unkept.clear();
	list.filter((u) => !isKept(u)).forEach((u) => drop(u.key));
	keep(list.filter(isKept));
}

export function
set(upload, fields)
{
	const was = upload.state;

	Object.assign(upload, fields);
	if (upload.state !== was || KEPT_FIELDS.some((name) => name in fields)) {
		unkept.add(upload);
		keepTimer ||= setTimeout(keepNow, KEEP_MS);
	}
	if (upload.state !== was)
		twinsOf(upload);
	emit('uploads', { upload });
}

/* What becomes of files with the same bytes as one whose state has changed. */
function
twinsOf(one)
{
	for (const u of twins) {
		if (u.state !== 'twin')
			twins.delete(u);
		if (u.state !== 'twin' || u.twin !== one)
			continue;
		if (THERE.includes(one.state))
			set(u, { state: 'duplicate', mediaId: one.mediaId, file: null });
		else if (['failed', 'cancelled', 'trashed'].includes(one.state))
			set(u, { state: 'waiting', twin: null });
	}
}

/* The server knows the names that browsers have for a type, and the endings of file names. */
const UNKNOWN_TYPE = 'application/octet-stream';

export const line = (fields) => ({ id: nextId++, sent: 0, tries: 0, ...fields });

/* Files, or {file, path?, handle?, pasted?, sidecar?}. One that the tray waits for goes on. */
export function
addFiles(files)
{
	for (const one of files) {
		const { file, handle, pasted, sidecar, ...more } = one instanceof File ?
		    { file: one } : one;
		const path = more.path?.normalize('NFC');
		const lost = uploads.find((u) => u.state === 'lost' && isSame(u, file));
		if (lost) {
			set(lost, { file, handle: handle ?? lost.handle,
			    sidecar: sidecar ?? lost.sidecar, state: 'waiting' });
			continue;
		}
		/* Pasted pictures are all called image.png. */
		const name = pasted || !file.name ?
		    `Pasted ${new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-')}` :
		    file.name;
		const u = line({ key: crypto.randomUUID(), user: me.user?.id, at: Date.now(), file,
		    name, path, handle, pasted, sidecar, album: Boolean(path) && wanted(),
		    size: file.size, modified: file.lastModified,
		    type: file.type || UNKNOWN_TYPE });
		uploads.push(u);
		set(u, { state: 'waiting' });
	}
	emit('uploads', {});
	clearTimeout(gather);
	gather = setTimeout(pump, GATHER_MS);
}

/* Computes the sum, once. False: the file is gone, or it was cancelled meanwhile. */
async function
hashed(u)
{
	const { state } = u;

	try {
		const sha256 = u.sha256 ?? await hashOf(u.file, (done) => u.size > HASH_APART &&
		    set(u, { hashed: done }));
		if (u.state !== state)
			return false;
		set(u, { sha256, checked: true, hashed: 0 });
		return true;
	} catch {
		if (u.state === state)
			set(u, { state: 'failed', file: null, hopeless: true,
			    problem: new Problem(0, { detail: UNREADABLE }) });
		return false;
	}
}

async function
hashApart(u)
{
	set(u, { state: 'checking' });
	if (await hashed(u))
		set(u, { state: 'waiting' });
	pump();
}

/* Whether the tray has the same bytes already. */
function
isTwin(u)
{
	const twin = !u.allowDuplicate && u.sha256 && uploads.find((other) => other !== u &&
	    other.sha256 === u.sha256 && other.size === u.size &&
	    ['starting', 'ready-to-send', 'sending', 'finishing', 'processing', 'ready',
		'duplicate'].includes(other.state) && !other.allowDuplicate);

	if (!twin)
		return false;
	twins.add(u);
	set(u, { state: 'twin', twin });
	twinsOf(twin);
	return true;
}

/* An upload that was begun earlier goes on from what the server knows of it. */
async function
goOn(u)
{
	goingOn++;
	try {
		const ticket = await stateOf(u);

		if (u.state === 'starting' && !ticket)
			set(u, { state: 'waiting', uploadId: null });
		else if (u.state === 'starting' && ticket.status === 'completed')
			took(u, ticket.mediaId);
		else if (u.state === 'starting')
			announced(u, { ...ticket, status: 201 });
	} catch (problem) {
		if (u.state === 'starting')
			later(u, problem);
	}
	goingOn--;
	pump();
}

/* The files of the next batch that have to be announced; those that go on do so. */
async function
gatherBatch(waiting)
{
	const until = Date.now() + HASH_MS;
	const files = [];
	let sum = 0;

	for (const u of waiting) {
		if (files.length === BATCH || (files.length && (sum + u.size > BATCH_BYTES ||
		    Date.now() > until)))
			break;
		if (u.state !== 'waiting')
			continue;
		if (u.size > HASH_APART && !u.sha256 && !u.checked) {
			if (!uploads.some(({ state }) => state === 'checking'))
				hashApart(u);
			continue;
		}
		if (u.uploadId && goingOn === GO_ON_AT_ONCE)
			continue;
		set(u, { state: 'starting', hold: null });
		if (u.uploadId) {
			goOn(u);
			continue;
		}
		if (!(await hashed(u)) || isTwin(u))
			continue;
		files.push(u);
		sum += u.size;
	}
	return files;
}

/* When the file was changed last: the date of a photo that has none. */
const modified = (u) => (u.modified > 0 ?
    { modifiedAt: new Date(u.modified).toISOString() } : {});

const announcement = (u) => ({
	filename: u.name, size: u.size, type: u.type,
	...(u.sha256 ? { sha256: u.sha256 } : {}),
	...modified(u),
	...(u.path ? { path: u.path } : {}),
	...(u.allowDuplicate ? { allowDuplicate: true } : {}),
	...(u.size > 2 * partSize() ? { partSize: partSize() } : {}),
});

/* The next batch of waiting files goes to the server when the sent ones run out. */
async function
announce()
{
	const waiting = uploads.filter((u) => u.state === 'waiting' && !(u.notBefore > Date.now()));
	const ready = uploads.filter((u) => u.state === 'ready-to-send');

	if (announcing || !waiting.length || blockedOrigin || ready.length >= READY_FILES ||
	    ready.reduce((sum, u) => sum + u.size, 0) >= READY_BYTES)
		return;
	announcing = true;
	let went = false;
	try {
		const files = await gatherBatch(waiting);
		const answer = files.length ?
		    await api.post('/media/upload/initiate', { files: files.map(announcement) },
			{ patient: true, again: true,
			    headers: { 'Idempotency-Key': crypto.randomUUID() },
			    onwait: (ms) => files.forEach((u) => set(u, { hold: ms })) }) :
		    { items: [] };
		answer.items.forEach((one, i) => announced(files[one.index ?? i], one));
		went = files.length > 0 || waiting.some((u) => u.state !== 'waiting');
	} catch (problem) {
		for (const u of waiting)
			if (u.state === 'starting')
				later(u, problem);
	}
	announcing = false;
	if (went)
		pump();
}

async function
announced(u, one)
{
	if (u.state === 'cancelled')
		return;
	if (one.duplicateOf) {
		set(u, { state: one.inTrash ? 'trashed' : 'duplicate', mediaId: one.duplicateOf });
		return;
	}
	if (one.status !== 201) {
		set(u, { state: 'failed', problem: new Problem(one.status, one),
		    hopeless: HOPELESS_STATUS.includes(one.status) &&
			one.code !== 'quota_exceeded' });
		return;
	}
	set(u, { uploadId: one.uploadId, mediaId: one.mediaId, hold: null });
	/* another page or device has begun the same: what it has sent counts */
	if (one.joined) {
		set(u, { state: 'waiting', ticket: null });
		pump();
		return;
	}
	set(u, { state: 'ready-to-send', ticket: { ...one, asked: Date.now() } });
}

/* Back to the queue after a failure that may pass; otherwise failed. */
function
later(u, problem)
{
	const passing = problem.status === 0 || problem.status === 429 || problem.status >= 500;

	u.ticket = null;
	/* What was there before is waited for, all night if need be. */
	const isLost = problem.status === 0 && (problem.code === 'unreachable' || answered.size);

	if (problem.status === 0)
		reached = false;
	u.tries = isLost ? Math.min(u.tries + 1, LOST_TRIES) : u.tries + 1;
	if (!passing || u.tries > PUT_TRIES) {
		set(u, { state: 'failed', problem,
		    hopeless: HOPELESS_STATUS.includes(problem.status) });
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
		const { asked, urlsExpireAt } = u.ticket;
		/* one that was issued just now is as good as they get */
		if (asked < Date.now() - SPARE_MS &&
		    !(Date.parse(urlsExpireAt) > Date.now() + SPARE_MS))
			set(u, { state: 'waiting', ticket: null });
		else
			send(u);
	}
	announce();
}

async function
send(u)
{
	const { ticket } = u;
	const told = (n) => set(u, { sent: Math.min(u.size, n) });

	set(u, { state: 'sending', sent: 0 });
	u.xhrs = new Set();
	try {
		if (ticket.multipart)
			await putParts(u, ticket.multipart, ticket.parts ?? [], told, online);
		else if (ticket.uploadUrl)
			await put(u, ticket.uploadUrl, ticket.fields, u.file, told);
		if (u.target)
			answered.add(new URL(u.target).origin);
		if (u.state === 'cancelled')
			return;
		arrived(u);
	} catch (problem) {
		if (u.state !== 'cancelled')
			await sendFailed(u, problem);
	}
	pump();
}

export function
arrived(u)
{
	set(u, { state: 'finishing', sent: u.size });
	finishing.push(u);
	finishTimer ||= setTimeout(finish, COMPLETE_MS);
}

/* The person is asked to look; nobody may be there, so that is tried by itself too. */
async function
block(origin)
{
	if (blockedOrigin)
		return;
	blockedOrigin = origin;
	emit('store-blocked', { origin });
	while (blockedOrigin) {
		await pause(BLOCKED_EVERY_MS);
		await unblock();
	}
}

async function
sendFailed(u, problem)
{
	const origin = u.target && new URL(u.target).origin;

	/* A certificate that was good is so still: then it is the line, which comes back. */
	if (origin && problem.code === 'store_unreachable' && !answered.has(origin) &&
	    origin !== location.origin && !(await reachable(origin))) {
		/* Is it us, or only the store? An untrusted certificate is the usual cause. */
		const here = await reachable(location.origin);
		if (here) {
			set(u, { state: 'waiting', ticket: null, sent: 0 });
			block(origin);
			return;
		}
	}
	/* The store has let go of its parts: the next attempt is a new upload. */
	if (problem.status === 404 && u.ticket?.multipart) {
		api.delete(`/media/upload/${u.uploadId}`).catch(() => {});
		set(u, { uploadId: null });
	}
	/* Its address had expired, or another page was faster: the server knows. */
	if ([403, 404, 409].includes(problem.status) && ++u.tries <= PUT_TRIES) {
		set(u, { state: 'waiting', ticket: null, sent: 0 });
		return;
	}
	later(u, problem);
}

async function
finish()
{
	const batch = finishing.splice(0, BATCH);

	finishTimer = 0;
	if (!batch.length)
		return;
	try {
		await giveSidecars(batch);
		const answer = await api.post('/media/upload/complete',
		    { uploads: batch.map((u) => ({ uploadId: u.uploadId })) },
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
	if (one.status === 404 || ['upload_expired', 'upload_aborted'].includes(one.code))
		set(u, { uploadId: null });
	/* Not all of it is there, or no longer: the rest is sent, if the file is here. */
	if (one.status === 404 || one.status === 409) {
		if (!u.file)
			set(u, { state: 'lost', sent: 0 });
		else
			later(u, new Problem(503, one));
		return;
	}
	if (one.status >= 400) {
		set(u, { state: 'failed', problem: new Problem(one.status, one) });
		return;
	}
	const item = remember(one.media);

	set(u, { state: 'processing', ticket: null, mediaId: item.id, file: null });
	emit('media-new', { item });
	follow(item);
}

/* An item that the server has, whoever completed it. */
export function
took(u, mediaId)
{
	set(u, { state: 'processing', ticket: null, mediaId, file: null });
	fetchItem(mediaId).then((item) => {
		emit('media-new', { item });
		follow(item);
	}, () => set(u, { state: 'ready' }));
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
			    REJECTED }, hopeless: HOPELESS_CODES.includes(item.failure?.code) });
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
	if (u.uploadId && was !== 'processing')
		api.delete(`/media/upload/${u.uploadId}`).catch(() => {});
	u.file = null;
	pump();
}

export function
retry(u)
{
	set(u, { state: u.file ? 'waiting' : 'lost', tries: 0, sent: 0, problem: null,
	    ticket: null, notBefore: 0 });
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
		if (!isOpen(uploads[i]) && !['processing', 'lost'].includes(uploads[i].state)) {
			drop(uploads[i].key);
			uploads.splice(i, 1);
		}
	emit('uploads', {});
}

/* The person has signed out: what has not ended is kept for their next sign-in. */
export function
abandon()
{
	clearTimeout(keepTimer);
	keepNow();
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
		    REJECTED } });
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
startFiling(set);
startSidecars(set);
addEventListener('pagehide', keepNow);
addEventListener('beforeunload', (event) => openCount() && event.preventDefault());
