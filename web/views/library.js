/* The person's library, by date; or everyone's, for people who may see it. */
import { fill, h, icon } from '../lib/dom.js';
import { monthOf } from '../lib/format.js';
import { inLibrary, pager } from '../lib/media.js';
import { emit, on } from '../lib/bus.js';
import { goHere } from '../lib/router.js';
import { can } from '../lib/session.js';
import { bulkActions } from '../ui/bulk.js';
import { Grid } from '../ui/grid.js';
import { inPart, noneInPart, partsBar, partsKey, partsQuery } from '../ui/library-parts.js';
import { everyoneButton, scopeOf } from '../ui/scope.js';
import { Selection } from '../ui/selection.js';
import { Timeline } from '../ui/timeline.js';

const KINDS = [['', 'All'], ['image', 'Photos'], ['video', 'Videos'], ['audio', 'Music']];
const added = (item) => item.createdAt;
/* The server's order: by time, then by id. */
const latest = (date) => (a, b) => Date.parse(date(b)) - Date.parse(date(a)) ||
    (a.id < b.id ? 1 : -1);

/* Each order: its name, its date, and how two items compare. */
const SORTS = {
	taken: { text: 'Date taken' }, /* all of time at once */
	newest: { text: 'Date added', date: added, compare: latest(added) },
	oldest: { text: 'Oldest added', date: added, compare: (a, b) => latest(added)(b, a) },
	title: { text: 'Title', compare: (a, b) => a.title.localeCompare(b.title) },
};
const SORT = 'medianest.sort';

export function
mount(root, first)
{
	const today = new Date().toLocaleDateString('sv'); /* as in ISO 8601 */
	let params = first;
	let grid;
	let scrubber;
	const sortName = () => (SORTS[params.sort] ? params.sort :
	    SORTS[localStorage.getItem(SORT)] ? localStorage.getItem(SORT) : 'taken');
	const shownBy = (p) => JSON.stringify([p.kind ?? '', p.sort ?? '', scopeOf(p),
	    partsKey(p)]);
	/* what media servers have stands on the shelves */
	const query = () => ({ sort: sortName(), kind: params.kind,
	    ...partsQuery(params), source: 'upload' });
	const everyone = everyoneButton();
	const parts = partsBar();
	const selection = new Selection(bulkActions(() => selection));
	const kinds = h('div.segments', { role: 'group', 'aria-label': 'Kind' });
	const sorts = h('select', { 'aria-label': 'Sort by', onchange: () => {
		localStorage.setItem(SORT, sorts.value);
		goHere({ sort: sorts.value });
	} }, Object.entries(SORTS).map(([value, { text }]) => h('option', { value }, text)));
	const playAll = h('button.scope', { type: 'button', onclick: async () =>
		(await import('../ui/music.js')).playAll(query()) },
	icon('play'), h('span', null, 'Play all'));
	const place = h('div.grid-place');

	fill(root, h('h1.hidden-title', null, 'Library'),
	    h('div.toolbar', null, kinds, parts.node, everyone?.node, playAll,
		h('label.sort', null, icon('sort'), sorts)),
	    place);

	const nothing = (title, ...more) =>
	    h('div.empty', null, icon('photos'), h('h2', null, title), more);
	const noneOf = () => {
		const text = KINDS.find(([kind]) => kind === params.kind)?.[1] ?? 'items';

		return nothing(`No ${text.toLowerCase()} yet`,
		    h('button', { type: 'button', onclick: () => goHere({ kind: null }) },
			'Show everything'));
	};
	const noneAtAll = () => nothing('Your photos, videos and music will appear here',
	    can('media.upload') ? [
		h('p', null, 'Drop files anywhere on this page, paste a picture, or choose files.'),
		h('button.primary', { type: 'button', onclick: () => emit('pick-files') },
		    icon('upload'), 'Choose files'),
	    ] : h('p', null, 'Nothing has been shared with you yet.'));
	const empty = () => noneInPart(params) ?? (params.kind ? noneOf() : noneAtAll());

	/* Its code comes after the first items. */
	const addScrubber = async () => {
		const mine = grid;
		const { Scrubber } = await import('../ui/scrubber.js');

		if (grid !== mine || mine.dead || scrubber)
			return;
		scrubber = new Scrubber(grid);
		place.append(scrubber.node);
		scrubber.update();
	};
	const build = () => {
		const sort = SORTS[sortName()];
		grid?.destroy();
		scrubber?.destroy();
		scrubber = null;
		fill(kinds, KINDS.map(([kind, text]) => h('button',
		    { type: 'button', 'aria-pressed': String((params.kind ?? '') === kind),
			onclick: () => goHere({ kind }) },
		    text)));
		playAll.hidden = params.kind !== 'audio';
		sorts.value = sortName();
		everyone?.show(params);
		parts.show(params);
		const common = {
			label: 'Library',
			accept: (item) => item.status !== 'trashed' && item.status !== 'pending' &&
			    item.source === 'upload' && inPart(item, params) &&
			    (!params.kind || item.kind === params.kind) &&
			    (scopeOf(params) === 'everyone' || inLibrary(item)),
			selection, empty,
			onlayout: () => {
				/* without it, the next layout tries again */
				if (scrubber)
					scrubber.update();
				else if (grid?.height > innerHeight)
					addScrubber().catch(() => {});
				if (grid?.days?.some(({ date }) => date !== today &&
				    date.endsWith(today.slice(4))))
					import('../ui/on-this-day.js').then((strip) =>
					    strip.onThisDay(place, today), () => {});
			},
			onscrolled: () => scrubber?.scrolled(),
		};
		grid = sort === SORTS.taken ? new Timeline({ ...common, query,
		    name: `medianest.place.${shownBy(params)}` }) : new Grid({ ...common,
			pager: pager(query),
			group: sort.date ? (item) => {
				const date = new Date(sort.date(item));
				return { key: `${date.getFullYear()}-${date.getMonth() + 1}`,
				    label: monthOf(date) };
			} : null,
			compare: sort.compare,
		});
		fill(place, grid.node);
	};
	const keys = async (event) => {
		if ((event.ctrlKey || event.metaKey) && event.key === 'a' &&
		    grid.node.contains(document.activeElement)) {
			event.preventDefault();
			(await import('../ui/pick-all.js')).pickAll(grid, selection, query());
		}
	};
	const off = on('resync', () => grid.reload());

	build();
	addEventListener('keydown', keys);
	return {
		sequence: () => grid.around?.(params.item) ?? grid,
		query,
		title: () => 'Library',
		update(next) {
			const same = shownBy(next) === shownBy(params);
			params = next;
			if (!same) {
				scrollTo(0, 0);
				build();
			}
		},
		unmount() {
			off();
			removeEventListener('keydown', keys);
			grid.destroy();
			scrubber?.destroy();
			selection.detach();
		},
	};
}
