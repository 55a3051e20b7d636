/*
 * The items that this page knows, and everything that can be done with them. An item is one object
 * for the whole page: views hold its id or the object, and changes arrive as 'media' on the bus.
 */
import { again } from './again.js';
import { api, signedUrl } from './api.js';
import { emit, on } from './bus.js';
import { can, mayEdit, me } from './session.js';

const PAGE = 100;
/* What grids and rows show; the viewer fetches the item for the largest. */
export const LISTED = '320,640';
const LISTED_MAX = 640;
const GATHER_MS = 250;
const GATHER_BUSY_MS = 4000;
const LATELY_MS = 15000;
const LATELY_MAX = 4;      /* fetches within that time, after which it is busy */
const PAGES_MAX = 5;
const LAG_MS = 1000;
const LAG_TRIES = 4;
const SINGLE_MAX = 2;  /* more changed items than this are fetched as a page */
const SIGNED_EARLY_MS = 20000;

/* Where items come from: the library, or for a visitor a public link (lib/visit.js). */
const source = {
	page: (query, options) => api.get('/media', query, { patient: true, ...options }),
	item: (id) => api.get(`/media/${id}`, null, { patient: true }),
	file: (id, download) => signedUrl(`/media/${id}/file${download ? '?download=true' : ''}`),
};
export const readFrom = (other) => Object.assign(source, other);

const items = new Map();
const pageOf = new Map();  /* id -> the query of the list page that it came with */
const library = new Set(); /* ids that came with a list of the person's own library */

export const known = (id) => items.get(id);

/*
 * Whether an item belongs to the person's library: theirs, shared with them, or of the house.
 * Someone who sees everyone's items is told about all of them.
 */
export const inLibrary = (item) => item.ownerId === me.user?.id || item.visibility === 'house' ||
    (item.visibility === 'shared' && (item.sharedWith?.includes(me.user?.id) ??
	(library.has(item.id) || !can('media.manage_all'))));

const versionOf = (item) => parseInt((item.etag ?? '').replace('"', ''), 10) || 0;

/* Responses overtake each other: an older state never replaces a newer one. */
export function
remember(fresh)
{
	const item = items.get(fresh.id);

	if (!item) {
		items.set(fresh.id, fresh);
		return fresh;
	}
	if (versionOf(fresh) < versionOf(item))
		return item;
	/* lists leave these out */
	fresh.metadata ??= item.metadata;
	if (versionOf(fresh) === versionOf(item)) {
		fresh.sharedWith ??= item.sharedWith;
		for (const [size, url] of Object.entries(item.thumbnails ?? {}))
			if (fresh.thumbnails && !expired(url))
				fresh.thumbnails[size] ??= url;
	}
	for (const key of Object.keys(item))
		if (!(key in fresh))
			delete item[key];
	Object.assign(item, fresh);
	emit('media', { item });
	return item;
}

/* A page of a list: {items, next}, next being the cursor or null. */
export async function
list(query, options)
{
	const full = { limit: PAGE, thumbnails: LISTED, ...query };
	const answer = await source.page(full, options);
	const got = answer.items.map(remember);

	/* where to find it again, but not as a neighbour of another */
	if (!query.after && !query.before)
		got.forEach((item) => pageOf.set(item.id, full));
	if (query.scope === 'library')
		got.forEach((item) => library.add(item.id));
	return { items: got, next: answer.page.nextCursor };
}

/* For a Grid: each call begins at the first page of what query() says then. */
export const pager = (query) => () => {
	let cursor = null;

	return async () => {
		const page = await list({ ...query(), cursor });

		cursor = page.next;
		return { items: page.items, more: cursor !== null };
	};
};

const onTheWay = new Map(); /* id -> the promise of its fetch */

/* Those who ask at the same time share one request. */
export function
fetchItem(id)
{
	if (!onTheWay.has(id))
		onTheWay.set(id, source.item(id).then(remember)
		    .finally(() => onTheWay.delete(id)));
	return onTheWay.get(id);
}

/* Signed addresses say when they expire. */
export function
expired(url)
{
	const q = new URL(url, location.origin).searchParams;
	const m = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(q.get('X-Amz-Date') ?? '');

	if (!m)
		return false;
	return Date.UTC(m[1], m[2] - 1, m[3], m[4], m[5], m[6]) +
	    Number(q.get('X-Amz-Expires')) * 1000 <
	    Date.now() + SIGNED_EARLY_MS;
}

const stale = new Set();
const arrivals = new Set(); /* stale items that are new to this page and belong in lists */
const ended = new Map();    /* id -> how often it was fetched since its processing ended */
let timer = 0;
let fetching = false;
let failures = 0;           /* in a row */
let lately = [];            /* when the last fetches were */

/* Fetches the list page by page until these are found; the others are fetched one by one. */
async function
fetchTogether(query, ids)
{
	const left = new Set(ids);
	let cursor = query.cursor;

	for (let pages = 0; left.size > SINGLE_MAX && pages < PAGES_MAX; pages++) {
		const answer = await source.page({ ...query, cursor });
		answer.items.forEach((item) => left.delete(remember(item).id));
		cursor = answer.page.nextCursor;
		if (!cursor)
			break;
	}
	for (const id of left)
		await fetchItem(id).catch((problem) => problem.status === 404 && forget(id));
}

async function
fetchStale()
{
	const ids = [...stale];
	const pages = new Map();

	stale.clear();
	fetching = true;
	lately.push(Date.now());
	for (const id of ids) {
		const query = pageOf.get(id) ?? { limit: PAGE, thumbnails: LISTED };
		const key = JSON.stringify(query);
		if (!pages.has(key))
			pages.set(key, { query, ids: [] });
		pages.get(key).ids.push(id);
	}
	for (const { query, ids: group } of pages.values()) {
		try {
			await fetchTogether(query, group);
			failures = 0;
		} catch {
			/* The connection banner says so. */
			again(() => refresh(...group), failures++);
		}
	}
	for (const id of ids) {
		const item = items.get(id);
		if (arrivals.delete(id) && item)
			emit('media-new', { item });
		if (!ended.has(id))
			continue;
		/* A cached page may lag a moment behind the event. */
		if (item?.status === 'processing' && ended.get(id) < LAG_TRIES) {
			ended.set(id, ended.get(id) + 1);
			setTimeout(refresh, LAG_MS, id);
		} else {
			ended.delete(id);
		}
	}
	fetching = false;
	timer = 0;
	if (stale.size)
		refresh();
}

/*
 * Something about these items is old (an expired address, an event): they are fetched again. The
 * first ones immediately; when more keep coming, as after an upload of hundreds, they are gathered,
 * because requests are limited.
 */
export function
refresh(...ids)
{
	const now = Date.now();

	ids.forEach((id) => stale.add(id));
	if (timer || fetching)
		return;
	lately = lately.filter((at) => now - at < LATELY_MS);
	timer = setTimeout(fetchStale, lately.length < LATELY_MAX ? GATHER_MS : GATHER_BUSY_MS);
}

export function
forget(id)
{
	const item = items.get(id);

	items.delete(id);
	emit('media-gone', { id, item });
}

on('media-event', ({ type, id }) => {
	if (!id)
		return;
	if (type.startsWith('media.processing.'))
		ended.set(id, 0);
	if (type === 'media.deleted') {
		forget(id);
	} else if (items.has(id)) {
		refresh(id);
	} else {
		arrivals.add(id);
		refresh(id);
	}
});

on('progress', ({ mediaId, step }) => {
	const item = items.get(mediaId);

	if (item) {
		item.step = step;
		emit('media-step', { item });
	}
});

/*
 * Edits the version that the person saw: when it has changed, the server refuses with 412 and the
 * new one is fetched.
 */
async function
edit(item, send)
{
	const etag = item.etag && !item.etag.startsWith('"') ? `"${item.etag}"` : item.etag;

	try {
		return remember(await send(etag ? { headers: { 'If-Match': etag } } : {}));
	} catch (problem) {
		if (problem.status === 412)
			await fetchItem(item.id);
		throw problem;
	}
}

export const patch = (item, fields) => edit(item, (options) => api.patch(`/media/${item.id}`,
    fields, options));

export async function
setTags(item, tags, options, people)
{
	return remember(await api.put(`/media/${item.id}/tags`, { tags, people }, options));
}

export async function
trash(item, options)
{
	/* an item of another: that is for people who may delete */
	if (mayEdit(item))
		await api.post(`/media/${item.id}/trash`, undefined, { again: true, ...options });
	else
		await api.delete(`/media/${item.id}`, null, options);
	item.status = 'trashed';
	forget(item.id);
}

export async function
restore(item, options)
{
	const fresh = remember(await api.post(`/media/${item.id}/restore`, undefined, { again: true,
	    ...options }));

	emit('media-new', { item: fresh });
	return fresh;
}

export async function
purge(item, options)
{
	await api.delete(`/media/${item.id}`, { purge: true }, options);
	forget(item.id);
}

export async function
reprocess(item)
{
	return remember(await api.post(`/media/${item.id}/reprocess`, undefined, { again: true }));
}

export const timeline = async (id) => (await api.get(`/media/${id}/timeline`)).items;
export const fileUrl = (id, download = false) => source.file(id, download);

export const motionUrl = (id) => signedUrl(`/media/${id}/motion`);

export async function
tagNames()
{
	return (await api.get('/media/tags', { scope: 'library' })).items.map(({ tag }) => tag);
}

/*
 * Runs work(item) for many items, three at a time, waiting where the server asks to. Calls
 * tell(done) after each; returns {done, problems}.
 */
export async function
each(list, work, tell)
{
	const left = [...list];
	const problems = [];
	let done = 0;

	await Promise.all([1, 2, 3].map(async () => {
		for (let item = left.shift(); item; item = left.shift()) {
			try {
				await work(item, { patient: true });
				done++;
			} catch (problem) {
				problems.push(problem);
			}
			tell?.(done + problems.length);
		}
	}));
	return { done, problems };
}

const dots = (width) => width * Math.min(devicePixelRatio || 1, 2);

/* Whether the item itself has a better thumbnail than came with a list. */
export const hasLarger = (item, width) => item.thumbnails?.[LISTED_MAX] &&
    !Object.keys(item.thumbnails).some((size) => size > LISTED_MAX) &&
    item.width > LISTED_MAX && dots(width) * 0.85 > LISTED_MAX;

/* The best thumbnail for a width in CSS pixels; smaller originals have fewer. */
export function
thumbnail(item, width)
{
	const wanted = dots(width);
	const sizes = Object.keys(item.thumbnails ?? {}).map(Number).filter((s) => item.thumbnails[
	    s]).sort((a, b) => a - b);

	if (!sizes.length)
		return item.posterUrl ?? null;
	return item.thumbnails[sizes.find((s) => s >= wanted * 0.85) ?? sizes.at(-1)];
}
