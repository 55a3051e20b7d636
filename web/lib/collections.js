/* Albums and rules, whom one may share with, and a person's own marks on items. */
import { api } from './api.js';
import { remember } from './media.js';

const PATH = '/media/collections';
const PAGE = 100;
const PAGES_MAX = 10;
export const STEP = 500; /* items of one request */

async function
pages(path, query)
{
	const items = [];
	let cursor = null;

	for (let n = 0; n < PAGES_MAX; n++) {
		const answer = await api.get(path, { ...query, limit: PAGE, cursor },
		    { patient: true });
		items.push(...answer.items);
		cursor = answer.page.nextCursor;
		if (!cursor)
			break;
	}
	return items;
}

export const collections = (query) => pages(PATH, query);
export const collection = (id) => api.get(`${PATH}/${id}`, null, { patient: true });
export const create = (wish, options) => api.post(PATH, wish, options);
export const change = ({ id, etag }, fields) => api.patch(`${PATH}/${id}`, fields,
    { headers: { 'If-Match': `"${etag}"` } });
export const leave = (id) => api.delete(`${PATH}/${id}`);
export const mayAdd = (c) => c.kind === 'album' && c.may !== 'view';

/* step: add, remove or order; the ids go in as many requests as they need. */
export async function
step(id, name, ids, more)
{
	const sum = { added: 0, removed: 0 };

	for (let at = 0; at < ids.length; at += STEP) {
		const answer = await api.post(`${PATH}/${id}/items`,
		    { [name]: ids.slice(at, at + STEP), ...more });
		sum.added += answer.added;
		sum.removed += answer.removed;
	}
	return sum;
}

/* Whom one may share with, by a part of the name. */
export const people = async (q) => (await api.get('/media/people', { q: q || null, limit: 20 },
    { patient: true })).items;
export const everybody = () => pages('/media/people', {});

/* name: 'favorite' or 'archive' */
export async function
mark(item, name, on, options)
{
	const path = `/media/${item.id}/${name}`;

	return remember(await (on ? api.put(path, undefined, options) :
	    api.delete(path, null, options)));
}

export const setShares = async (item, users, options) => remember(
    await api.put(`/media/${item.id}/shares`, { users }, options));
