/*
 * A visit to a public link: what it shows, read in place of the library by all that shows items.
 * Visitors are nobody; a person who is signed in says so once, because an owner's visit is no view.
 */
import { Problem, request } from './api.js';
import { mediaKind } from './kinds.js';
import { readFrom } from './media.js';
import { refreshToken } from './session.js';

const PATH = '/media/links/open/';
const TICKET = 'medianest.ticket.';

/*
 * As the page's own items are, without what nobody is told. Where there is no more than a short
 * preview to play, its times are not those of the sprite.
 */
const shown = (item, visited) => ({ ...item,
    kind: mediaKind(item.kind).page ? 'other' : item.kind,
    status: 'ready', ownerId: null, tags: [], genres: [], metadata: {}, visited,
    ...(item.contentType || /^transcod/.test(item.playback) ? {} :
	{ spriteUrl: null, spriteTimes: [] }) });

/*
 * ended(problem): the link shows nothing any more (link_gone), or asks for its password
 * (link_password).
 */
export function
visit(token, ended)
{
	const key = TICKET + token;
	const path = PATH + encodeURIComponent(token);
	let first = null; /* the first page, for the grid */

	const ask = async (more, query, anonymous = true, method = 'GET') => {
		const terms = { ticket: sessionStorage.getItem(key) ?? undefined, ...query };

		try {
			return await request(method, path + more, { anonymous, patient: true,
			    proves: true, again: true,
			    ...(method === 'GET' ? { query: terms } : { body: terms }) });
		} catch (problem) {
			const locked = problem.code === 'link_password';

			if (!anonymous && problem.status === 401 && !locked)
				return ask(more, query); /* a session that has ended */
			if (locked)
				sessionStorage.removeItem(key);
			if (locked || problem.code === 'link_gone')
				ended(problem);
			throw problem;
		}
	};
	/* of each item, for those who would ask the API as its owner */
	const visited = { playback: (id, query, method) =>
	    ask(`/items/${id}/playback`, query, true, method) };

	/* With all thumbnails: whoever looks through an album asks for no item again. */
	const page = async ({ limit, cursor }) => {
		const answer = (!cursor && first) || await ask('', { limit, cursor });

		first = null;
		return { ...answer, items: answer.items.map((item) => shown(item, visited)) };
	};

	readFrom({
		page,
		item: async (id) => shown(await ask(`/items/${id}`), visited),
		async file(id, download) {
			const item = await ask(`/items/${id}`);
			const url = download ? item.downloadUrl : item.fileUrl ?? item.previewUrl;

			if (!url)
				throw new Problem(403, { detail:
				    'Playing this is not part of the link.' });
			return url;
		},
	});
	return {
		/* What the link is: its title, kind, count, and whether originals are offered. */
		async open(limit)
		{
			first = await ask('', { limit }, !refreshToken());
			return first;
		},
		async unlock(password)
		{
			const { ticket } = await request('POST', path,
			    { body: { password }, anonymous: true });

			sessionStorage.setItem(key, ticket);
		},
	};
}
