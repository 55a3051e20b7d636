/* Found and related items; filters as chips. */
import { api } from '../lib/api.js';
import { emit } from '../lib/bus.js';
import { announce, fill, h, icon, iconButton } from '../lib/dom.js';
import { count, many } from '../lib/format.js';
import { LISTED, remember, tagNames } from '../lib/media.js';
import { go, goHere, link } from '../lib/router.js';
import { bulkActions } from '../ui/bulk.js';
import { ask } from '../ui/dialog.js';
import { Grid } from '../ui/grid.js';
import { everyoneButton, scopeOf } from '../ui/scope.js';
import { Selection } from '../ui/selection.js';

const KINDS = [['image', 'Photos'], ['video', 'Videos'], ['audio', 'Music'], ['movie', 'Films'],
    ['show', 'Series']];
const SORTS = [['relevance', 'Best match'], ['newest', 'Newest'], ['title', 'Title']];
const FILTERS = ['kind', 'tag', 'source', 'owner', 'yearFrom', 'yearTo'];
const SOURCES = { text: 'text search', metadata: 'titles and tags', similar: 'similar items',
    plex: 'Plex' };

/* Years in the order that the server takes, however they were typed. */
const inOrder = ({ yearFrom, yearTo }) => (yearFrom && yearTo &&
    Number(yearFrom) > Number(yearTo) ? { yearFrom: yearTo, yearTo: yearFrom } :
    { yearFrom, yearTo });

export function
mount(root, first)
{
	let params = first;
	let grid = null;
	let stop = null;
	const chips = h('div.chips', { role: 'group', 'aria-label': 'Filters' });
	const summary = h('p.summary', { role: 'status' });
	const notes = h('div.notes');
	const place = h('div.grid-place');
	const related = h('section.related', { 'aria-label': 'Related', hidden: true });
	const selection = new Selection(bulkActions(() => selection));
	const everyone = everyoneButton();
	const key = (p) => JSON.stringify([p.q ?? '', p.sort, scopeOf(p),
	    ...FILTERS.map((f) => p[f])]);
	const asked = () => (params.q ?? '') !== '' || FILTERS.some((f) => params[f]);
	const query = (page) => ({ q: params.q ?? '', sort: params.sort, page,
	    scope: scopeOf(params), thumbnails: LISTED,
	    ...Object.fromEntries(FILTERS.map((f) => [f, params[f]])), ...inOrder(params) });

	fill(root, h('h1.hidden-title', null, 'Search'), chips, summary, notes, place, related);

	const chip = (text, name, off) => h('span.chip.on', null, icon(name), text,
	    iconButton('close', `Remove filter ${text}`, () => goHere(off)));
	const pickTag = async () => {
		const names = await tagNames().catch(() => []);
		const choice = h('select', { 'aria-label': 'Tag' },
		    names.map((value) => h('option', { value }, value)));
		const tag = await ask(names.length ?
		    { title: 'Filter by tag', body: choice, value: () => choice.value } :
		    { title: 'No tags yet', no: null });

		if (names.length && tag)
			goHere({ tag });
	};
	const pickYears = async () => {
		const year = (label, value) => h('input',
		    { type: 'number', min: '1800', max: '2200', 'aria-label': label,
			placeholder: label, value: value ?? '' });
		const from = year('From', params.yearFrom);
		const to = year('To', params.yearTo);
		const years = await ask({ title: 'Filter by year',
		    body: h('div.two', null, from, to), value: () => [from.value, to.value] });

		if (years)
			goHere(inOrder({ yearFrom: years[0], yearTo: years[1] }));
	};
	const drawChips = () => {
		const { yearFrom = '', yearTo = '' } = inOrder(params);
		const years = yearFrom || yearTo;
		const span = yearFrom === yearTo ? yearFrom : `${yearFrom}–${yearTo}`;
		const sort = params.sort ?? 'relevance';

		fill(chips, KINDS.map(([kind, text]) => h('button.chip',
		    { type: 'button', 'aria-pressed': String(params.kind === kind),
			onclick: () => goHere({ kind: params.kind === kind ? null : kind }) },
		    text)),
		params.tag ? chip(params.tag, 'tag', { tag: null }) :
		    h('button.chip', { type: 'button', onclick: pickTag }, icon('tag'), 'Tag'),
		years ? chip(span, 'clock', { yearFrom: null, yearTo: null }) :
		    h('button.chip', { type: 'button', onclick: pickYears }, icon('clock'), 'Year'),
		params.source ? chip(params.source, 'house', { source: null }) : null,
		everyone?.node,
		h('label.sort', null, icon('sort'), h('select',
		    { 'aria-label': 'Sort by', value: sort,
			onchange: ({ target: { value } }) =>
			    goHere({ sort: value === 'relevance' ? null : value }) },
		    SORTS.map(([value, text]) => h('option',
			{ value, selected: value === sort }, text)))));
	};
	const tell = (answer) => {
		const { total, totalIsExact } = answer.page;
		const down = Object.entries(answer.sources ?? {})
		    .filter(([, state]) => state === 'timeout' || state === 'error')
		    .map(([name]) => SOURCES[name] ?? name);
		const text = total ?
		    `${totalIsExact === false ? 'More than ' : ''}${many(total, 'result')}` : '';

		summary.textContent = text;
		announce(text || 'No matches');
		fill(notes,
		    answer.didYouMean ?
			h('p', null, 'Did you mean ',
			    h('a', { href: link('search', { ...params, q: answer.didYouMean }) },
				answer.didYouMean),
			    '?') : null,
		    down.length ?
			h('p.muted', null, icon('alert'),
			    `No response from ${down.join(' and ')}. `,
			    'Some results may be missing.') : null);
		const more = (answer.related ?? []).map(remember);
		related.hidden = !more.length;
		if (more.length) {
			const extra = new Grid({ label: 'Related',
			    pager: () => async () => ({ items: more, more: false }),
			    accept: () => true });
			relatedGrid?.destroy();
			relatedGrid = extra;
			fill(related, h('h2', null, 'Related'), extra.node);
		}
	};
	let relatedGrid = null;
	const empty = () => h('div.empty', null, icon('search'),
	    h('h2', null, params.q ? `No matches for “${params.q}”` : 'No matches'),
	    h('p', null, 'Try fewer words or a different spelling.'),
	    FILTERS.some((f) => params[f]) && params.q ?
		h('button', { type: 'button', onclick: () => go('search', { q: params.q }) },
		    'Search without filters') : null,
	    h('a.button', { href: link('library') }, 'Browse the library'));
	const tellWait = (ms) => {
		const seconds = count(Math.ceil(ms / 1000));

		summary.textContent = `Too many searches. Retrying in ${seconds} s`;
	};
	const build = () => {
		let page = 1;
		let seen = 0;

		stop?.abort();
		stop = new AbortController();
		const { signal } = stop;
		grid?.destroy();
		grid = null;
		relatedGrid?.destroy();
		relatedGrid = null;
		related.hidden = true;
		drawChips();
		everyone?.show(params);
		fill(notes);
		summary.textContent = '';
		emit('searched', { q: params.q ?? '' });
		if (!asked()) {
			fill(place, h('div.empty', null, icon('search'),
			    h('h2', null, 'Search your photos, videos and music'), h('p', null,
			    'Titles, tags, years, kinds: “beach 2023”, “tag:family”, ' +
				'“taken:2012-05”, “kind:video”.')));
			return;
		}
		grid = new Grid({
			label: 'Search results',
			pager: () => async () => {
				const answer = await api.get('/search', query(page),
				    { signal, patient: true, onwait: tellWait });
				if (page === 1)
					tell(answer);
				page++;
				seen += answer.items.length;
				return { items: answer.items.map(remember),
				    more: answer.items.length > 0 && seen < answer.page.total };
			},
			accept: (item) => item.status !== 'trashed' && item.status !== 'pending',
			selection, empty,
		});
		fill(place, grid.node);
	};

	build();
	return {
		sequence: () => grid,
		title: () => (params.q ? `${params.q} – Search` : 'Search'),
		update(next) {
			const same = key(next) === key(params);
			params = next;
			if (!same)
				build();
		},
		unmount() {
			stop?.abort();
			grid?.destroy();
			relatedGrid?.destroy();
			selection.detach();
		},
	};
}
