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
 * As the page's own items are, without what nobody is told. Without the original a video is a short
 * preview, whose times are not those of the sprite.
 */
const shown = (item) => ({ ...item, kind: mediaKind(item.kind).page ? 'other' : item.kind,
    status: 'ready', ownerId: null, tags: [], genres: [], metadata: {}, visited: true,
    ...(item.contentType ? {} : { spriteUrl: null, spriteTimes: [] }) });

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

	const ask = async (more, query, anonymous = true) => {
		try {
			return await request('GET', path + more, { anonymous, patient: true,
			    proves: true,
			    query: { ticket: sessionStorage.getItem(key), ...query } });
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
	/* With all thumbnails: whoever looks through an album asks for no item again. */
	const page = async ({ limit, cursor }) => {
		const answer = (!cursor && first) || await ask('', { limit, cursor });

		first = null;
		return { ...answer, items: answer.items.map(shown) };
	};

	readFrom({
		page,
		item: async (id) => shown(await ask(`/items/${id}`)),
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
