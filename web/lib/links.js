/* A person's public links. */
import { api } from './api.js';

const PATH = '/media/links';
const PAGE = 100;
const DAY_MS = 86400000;

/* Lives that can be chosen, in days. */
export const LIVES = [['1', '1 day'], ['7', '7 days'], ['30', '30 days'], ['365', '1 year'],
    ['', 'Never']];
export const inDays = (days) => (days ? new Date(Date.now() + days * DAY_MS).toISOString() : null);

/* target: {mediaId} or {collectionId}, for those to it alone. {items, next, enabled} */
export async function
links(target, cursor)
{
	const answer = await api.get(PATH, { ...target, cursor, limit: PAGE }, { patient: true });

	return { items: answer.items, next: answer.page.nextCursor, enabled: answer.enabled };
}

export const createLink = (target, wish) => api.post(PATH, { ...target, ...wish });
export const changeLink = ({ id, etag }, fields) => api.patch(`${PATH}/${id}`, fields,
    { headers: { 'If-Match': `"${etag}"` } });
export const removeLink = ({ id }) => api.delete(`${PATH}/${id}`);
/* With its address, as far as that is known. */
export const linkById = (id) => api.get(`${PATH}/${id}`);
