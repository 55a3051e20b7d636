/* What the media servers have: shelves of the newest, and posters of all. */
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { list } from '../lib/media.js';
import { goHere, link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { notice } from '../ui/form.js';
import { attribution, poster, posterSkeletons } from '../ui/poster.js';

const SHELF = 20;
const PAGE = 60;
const LOAD_AHEAD = '800px';

const SHELVES = [
	{ kind: 'movie', title: 'Recently added films', all: 'All films' },
	{ kind: 'show', title: 'Recently added series', all: 'All series' },
	{ kind: 'album', title: 'Recently added albums', all: 'All albums' },
];
const KINDS = [[null, 'New'], ['movie', 'Films'], ['show', 'Series'], ['album', 'Albums'],
    ['artist', 'Artists']];
const SORTS = [['title', 'Title'], ['newest', 'Date added']];

const noServer = () => h('div.empty', null, icon('film'),
    h('h2', null, 'Films, series and music from your media servers will appear here'),
    can('integrations.configure') ?
	[h('p', null, 'Connect a Plex server, and its libraries are added within minutes.'),
	    h('a.button.primary', { href: link('integrations') }, 'Connect a Plex server')] :
	h('p', null, 'No media server is connected yet. An admin can add one.'));

/* One shelf; resolves with whether there is something on it. */
async function
fillShelf(shelf, place)
{
	const row = h('ul.shelf', null, posterSkeletons(6));
	const node = h('section.shelf-row', { 'aria-label': shelf.title },
	    h('div.panel-head', null, h('h2', null, shelf.title),
		h('a', { href: link('shelves', { kind: shelf.kind }) }, shelf.all)), row);

	fill(place, node);
	const { items } = await list({ kind: shelf.kind, sort: 'newest', limit: SHELF,
	    scope: 'library' });
	if (items.length)
		fill(row, items.map(poster));
	else
		fill(place);
	return items.length > 0;
}

function
shelves(place)
{
	const rows = SHELVES.map(() => h('div'));
	const load = async () => {
		fill(place, rows);
		try {
			const filled = await Promise.all(SHELVES.map((shelf, i) =>
			    fillShelf(shelf, rows[i])));
			if (!filled.includes(true))
				fill(place, noServer());
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	load();
	return { load, stop() {} };
}

/* All of one kind, page by page as the person scrolls. */
function
wall(place, { kind, sort })
{
	const posters = h('ul.posters');
	const tail = h('div');
	let cursor = null;
	let loading = false;
	const next = async () => {
		if (loading)
			return;
		loading = true;
		fill(tail, h('ul.posters', null, posterSkeletons(6)));
		try {
			const page = await list({ kind, sort, limit: PAGE, scope: 'library',
			    cursor });
			cursor = page.next;
			posters.append(...page.items.map(poster));
			fill(tail, posters.children.length ? null : noServer());
			loading = false;
			/* observed again, it reports again even if it never left the view */
			watcher.disconnect();
			if (cursor)
				watcher.observe(tail);
		} catch (problem) {
			loading = false;
			fill(tail, notice(problem, next));
		}
	};
	const watcher = new IntersectionObserver(
	    ([entry]) => entry.isIntersecting && cursor && next(), { rootMargin: LOAD_AHEAD });
	const load = () => {
		cursor = null;
		fill(posters);
		next();
	};

	fill(place, posters, tail);
	load();
	return { load, stop: () => watcher.disconnect() };
}

export function
mount(root, first)
{
	let params = first;
	let shown = null;
	const kinds = h('div.segments', { role: 'group', 'aria-label': 'Kind' });
	const sorts = h('select', { 'aria-label': 'Sort by',
	    onchange: ({ target }) => goHere({ sort: target.value }) },
	SORTS.map(([value, text]) => h('option', { value }, text)));
	const sorting = h('label.sort', null, icon('sort'), sorts);
	const place = h('div.shelves');
	const draw = () => {
		const kind = KINDS.some(([one]) => one === params.kind) ? params.kind : null;
		const sort = SORTS.some(([one]) => one === params.sort) ? params.sort : 'title';

		fill(kinds, KINDS.map(([one, text]) => h('button', { type: 'button',
		    'aria-pressed': String(one === kind), onclick: () => goHere({ kind: one }) },
		text)));
		sorting.hidden = !kind;
		sorts.value = sort;
		shown?.stop();
		shown = kind ? wall(place, { kind, sort }) : shelves(place);
	};
	const offs = [
		on('resync', () => shown.load()),
		on('server-event', ({ type }) => type === 'sync.completed' && shown.load()),
	];

	fill(root, h('h1.hidden-title', null, 'Films, series and music'),
	    h('div.toolbar', null, kinds, sorting), place, attribution());
	draw();
	return {
		update(next) {
			const same = next.kind === params.kind && next.sort === params.sort;
			params = next;
			if (!same)
				draw();
		},
		unmount() {
			shown.stop();
			offs.forEach((off) => off());
		},
	};
}
