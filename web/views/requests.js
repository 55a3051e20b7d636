/* Requests for films and series: ask for one, follow one's own, decide about others'. */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, fullTime } from '../lib/format.js';
import { goHere, link } from '../lib/router.js';
import { can, me } from '../lib/session.js';
import { askPanel, OVERSEERR, refusal, whenAgain } from '../ui/ask-title.js';
import { ask } from '../ui/dialog.js';
import { notice } from '../ui/form.js';
import { attribution } from '../ui/poster.js';
import { fail, toast } from '../ui/toast.js';

const PAGE = 50;
const STATES = {
	pending: ['Waiting for approval', 'clock', 'on'], approved: ['Approved', 'check', 'on'],
	processing: ['On its way', 'download', 'on'], available: ['Available', 'check', 'good'],
	declined: ['Declined', 'close', 'bad'], failed: ['Failed', 'alert', 'bad'],
};
const FILTERS = [['', 'All'], ['pending', 'Waiting'], ['processing', 'On their way'],
    ['available', 'Available'], ['declined', 'Declined'], ['failed', 'Failed']];

const seasonWords = (seasons) => (!seasons?.length ? null :
    seasons.length === 1 ? `Season ${seasons[0]}` : `Seasons ${seasons.join(', ')}`);

const isMine = (request) => request.requestedBy.userId === me.user.id;

async function
decline(request)
{
	const field = h('textarea', { rows: '3', maxlength: '500', 'aria-label': 'Reason',
	    placeholder: 'We have it on disc' });
	const answer = await ask({ title: `Decline “${request.title}”?`,
	    text: 'The reason is shown to the person who asked. You can leave it empty.',
	    body: field, value: () => ({ reason: field.value.trim() }), yes: 'Decline',
	    danger: true });

	return answer && (answer.reason ? answer : {});
}

/* Its poster, where the title is here; else a glyph. */
const art = (request) => (request.posterUrl ?
    h('img.request-art', { src: request.posterUrl, alt: '', loading: 'lazy' }) :
    icon(request.mediaType === 'tv' ? 'film' : 'play'));

function
card(first, gone)
{
	const node = h('li.request', { 'data-request': first.id });
	const path = `${OVERSEERR}/requests/${first.id}`;
	const draw = (request) => {
		const [word, glyph, tone] = STATES[request.status] ??
		    [request.status, 'info', 'on'];
		const decide = can('integrations.configure');
		const act = (label, run, primary) => h(primary ? 'button.primary.small' :
		    'button.small', { type: 'button',
		    'aria-label': `${label} ${request.title}`, onclick: async (event) => {
			event.target.disabled = true;
			try {
				await run();
			} catch (problem) {
				fail(problem);
			}
			event.target.disabled = false;
		} }, label);
		const change = (verb, body) => async () => {
			draw(await api.post(`${path}/${verb}`, body, { again: true }));
		};
		const remove = async () => {
			if (!(await ask({ title: `Delete the request for “${request.title}”?`,
			    text: isMine(request) ? 'You can ask again later.' :
				'The person who asked is not told.', yes: 'Delete',
			    danger: true })))
				return;
			await api.delete(path);
			node.remove();
			gone();
		};

		fill(node, h('div.request-head', null, art(request), h('div.grow', null,
		    h('strong', null, request.title, request.year ?
			h('span.muted', null, ` (${request.year})`) : null),
		    h('small', null, [request.mediaType === 'tv' ? 'Series' : 'Film',
			seasonWords(request.seasons), request.is4k && '4K',
			!isMine(request) && `asked by ${request.requestedBy.name}`,
			].filter(Boolean).join(' · ')),
		    h('small', null, 'Asked ', h('time', { datetime: request.createdAt,
			title: fullTime(request.createdAt) }, ago(request.createdAt)))),
		h(`span.pill.${tone}`, null, icon(glyph), word)),
		request.reason ? h('p.request-why', null, `“${request.reason}”`) : null,
		request.failure ? h('p.request-why.bad', null, request.failure.message, ' ',
		    whenAgain(request.failure)) : null,
		request.stale ? h('p.request-why', null, icon('clock'), 'Last known state',
		    request.stale.since ? [', ', h('time', { datetime: request.stale.since,
			title: fullTime(request.stale.since) }, ago(request.stale.since))] : null,
		    ': Overseerr cannot be reached.') : null,
		h('div.buttons', null,
		    request.status === 'available' ? h('a.button.small',
			{ href: link('search', { q: `tmdb:${request.tmdbId}` }),
			    'aria-label': `Open ${request.title}` }, 'Open') : null,
		    decide && request.status === 'pending' ? [
			act('Approve', change('approve'), true),
			act('Decline', async () => {
				const body = await decline(request);
				if (body)
					await change('decline', body)();
			})] : null,
		    decide && request.failure?.code === 'download_failed' ?
			act('Retry', change('retry'), true) : null,
		    decide || isMine(request) ? act('Delete', remove) : null));
	};

	draw(first);
	return { node, draw };
}

/* none(): what to show in place of no requests; off(): there is no Overseerr to ask. */
function
requestList(none, off)
{
	const list = h('ul.requests');
	const tail = h('div');
	const cards = new Map();
	let query = {};
	let turn = 0;
	const empty = () => !list.children.length && fill(tail, none());
	/* A new one, on top; one that is shown already changes in its place. */
	const add = (request) => {
		if (cards.has(request.id)) {
			cards.get(request.id).draw(request);
			return;
		}
		const one = card(request, empty);
		tail.querySelector('.empty, .muted')?.remove();
		cards.set(request.id, one);
		list.prepend(one.node);
	};
	const load = async (cursor, mine) => {
		const run = async () => {
			fill(tail, h('div.skeleton.line'));
			try {
				const { items, page } = await api.get(`${OVERSEERR}/requests`,
				    { ...query, limit: PAGE, cursor }, { patient: true });
				if (mine !== turn)
					return;
				for (const request of items) {
					const one = card(request, empty);
					cards.set(request.id, one);
					list.append(one.node);
				}
				fill(tail, page?.nextCursor ? h('button', { type: 'button',
				    onclick: () => load(page.nextCursor, mine) },
				'Show more') : null);
				empty();
			} catch (problem) {
				if (mine !== turn)
					return;
				if (problem.status === 404)
					off();
				fill(tail, problem.status === 404 ? notSetUp() :
				    problem.code === 'not_linked' ? h('p.muted', null,
					refusal(problem)) : notice(problem, run));
			}
		};

		await run();
	};

	return { node: h('section', { 'aria-label': 'Requests' }, list, tail), show: (now) => {
		query = now;
		cards.clear();
		fill(list);
		load(null, ++turn);
	}, add, refresh: async (id) => {
		const request = await api.get(`${OVERSEERR}/requests/${id}`, null,
		    { patient: true });

		if (cards.has(id) || ((!query.status || query.status === request.status) &&
		    (!query.own || isMine(request))))
			add(request);
	} };
}

const notSetUp = () => h('div.empty', null, icon('spark'),
    h('h2', null, 'Requests are not set up yet'),
    can('integrations.configure') ? [
	h('p', null, 'Connect Overseerr or Jellyseerr, and people can request films and ' +
	    'series here.'),
	h('a.button.primary', { href: link('overseerr') }, 'Set up Overseerr')] :
	h('p', null, 'An admin can connect Overseerr or Jellyseerr.'));

export function
mount(root, first)
{
	let params = first;
	const decides = can('integrations.configure');
	const shown = () => ({ status: params.status,
	    own: decides && params.own ? true : null });
	const list = requestList(() => (params.status ? h('p.muted', null, 'No matches') :
	    h('div.empty', null, icon('spark'), h('h2', null, 'No requests yet'),
		h('p', null, 'Search for a film or series above to request it.'))), () => {
		panel.node.hidden = true;
		heading.hidden = true;
		filters.hidden = true;
	});
	const panel = askPanel({ q: params.q,
	    typed: (q) => goHere({ q: q || null }, { replace: true }),
	    requested: (made) => made?.id && list.add(made) });
	const heading = h('h2.between', null, decides ? 'All requests' : 'My requests');
	const filters = h('div.chips', { role: 'group', 'aria-label': 'Status' });
	const mine = () => h('button.chip', { type: 'button',
	    'aria-pressed': String(Boolean(params.own)),
	    onclick: () => goHere({ own: params.own ? null : 'true' }) }, icon('person'), 'Mine');
	const only = ([status, text]) => h('button.chip', { type: 'button',
	    'aria-pressed': String((params.status ?? '') === status),
	    onclick: () => goHere({ status: status || null }) }, text);
	const draw = () => fill(filters, decides ? mine() : null, FILTERS.map(only));
	const offs = [
		on('resync', () => list.show(shown())),
		on('server-event', ({ type, data }) => type === 'request.updated' &&
		    list.refresh(data?.requestId ?? data?.id).catch(() => {})),
	];

	fill(root, h('h1', null, 'Requests'), panel.node,
	    heading,
	    filters, list.node, attribution());
	draw();
	list.show(shown());
	return {
		update(next) {
			const same = next.status === params.status && next.own === params.own;
			const asked = next.q !== params.q;
			params = next;
			if (asked)
				panel.show(next.q);
			if (!same) {
				draw();
				list.show(shown());
			}
		},
		unmount() {
			panel.stop();
			offs.forEach((off) => off());
		},
	};
}
