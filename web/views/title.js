/* One title: a film, a series with its seasons and episodes, an album with its songs. */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { dayOf, duration, kindName, many } from '../lib/format.js';
import { mediaKind } from '../lib/kinds.js';
import { fetchItem, patch, remember } from '../lib/media.js';
import { go, goHere, link } from '../lib/router.js';
import { mayEdit } from '../lib/session.js';
import { Form, notice } from '../ui/form.js';
import { artwork, attribution, poster } from '../ui/poster.js';
import { toast } from '../ui/toast.js';

const PAGE = 100;

/* Calls take(items) for each page of what an item holds. */
async function
children(id, take)
{
	let cursor = null;

	do {
		const { items, page } = await api.get(`/media/${id}/children`,
		    { limit: PAGE, cursor }, { patient: true });
		take(items.map(remember));
		cursor = page.nextCursor;
	} while (cursor);
}

/* 6 660 000 ms -> '1 h 51 min' */
function
runtime(ms)
{
	const minutes = Math.max(1, Math.round(ms / 60000));

	return [[Math.trunc(minutes / 60), 'h'], [minutes % 60, 'min']].filter(([n]) => n)
	    .map(([n, unit]) => `${n} ${unit}`).join(' ');
}

const lengthOf = (item) => (item.kind === 'track' ? duration : runtime)(item.durationMs);
const number = (item) => (Number.isInteger(item.position) ? String(item.position) : '');

function
line(item)
{
	const to = item.kind === 'episode' ? link('title', { id: item.id }) : null;
	const name = h('strong', null, item.title);

	return h('li.line', { 'data-id': item.id }, h('span.position', null, number(item)),
	    h('div.grow', null, to ? h('a', { href: to }, name) : name,
		item.kind === 'episode' && item.overview ?
		    h('small.clipped', null, item.overview) : null),
	    item.durationMs ? h('small', null, lengthOf(item)) : null);
}

/* Episodes, or the songs of an album by disc. */
function
lines(parent, none)
{
	const node = h('div.panel', null, h('div.skeleton.line'));
	const load = async () => {
		let list = null;
		let disc = null;
		let n = 0;

		try {
			await children(parent.id, (items) => {
				if (!n)
					fill(node);
				n += items.length;
				for (const item of items) {
					if (!list || (item.disc ?? 1) !== disc) {
						disc = item.disc ?? 1;
						list = h('ol.rows');
						node.append(disc > 1 ?
						    h('h2', null, `Disc ${disc}`) : '', list);
					}
					list.append(line(item));
				}
			});
			if (!n)
				fill(node, h('p', null, none));
		} catch (problem) {
			fill(node, notice(problem, load));
		}
	};

	load();
	return node;
}

const seasonName = (season) => season.title || (season.position ? `Season ${season.position}` :
    'Specials');

/* A series: its seasons side by side, the episodes of one of them below. */
function
seasons(show, wanted, shown)
{
	const bar = h('div.chips', { role: 'group', 'aria-label': 'Season' });
	const place = h('div');
	const node = h('section', { 'aria-label': 'Seasons' }, bar, place);
	const all = [];
	const choose = (id) => {
		const season = all.find((one) => one.id === id) ??
		    all.find((one) => one.position > 0) ?? all[0];

		fill(bar, all.map((one) => h('button.chip', { type: 'button',
		    'aria-pressed': String(one === season),
		    onclick: () => goHere({ season: one.id }, { replace: true }) },
		seasonName(one))));
		if (season.id !== shown.season)
			fill(place, lines(season, 'No episodes in this season yet.'));
		shown.season = season.id;
	};
	const load = async () => {
		fill(place, h('div.skeleton.line'));
		try {
			all.length = 0;
			await children(show.id, (items) => all.push(...items));
			if (all.length)
				choose(wanted());
			else
				fill(place, h('p.muted', null, 'No seasons yet.'));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	shown.choose = (id) => all.length && choose(id);
	load();
	return node;
}

function
albums(artist)
{
	const list = h('ul.posters');
	const node = h('section', { 'aria-label': 'Albums' }, h('h2', null, 'Albums'), list);
	const load = async () => {
		fill(list);
		try {
			await children(artist.id, (items) => list.append(...items.map(poster)));
			if (!list.children.length)
				node.append(h('p.muted', null, 'No albums yet.'));
		} catch (problem) {
			fill(node, notice(problem, load));
		}
	};

	load();
	return node;
}

const HOLDS = {
	show: seasons,
	season: (item) => lines(item, 'No episodes in this season yet.'),
	album: (item) => lines(item, 'No songs in this album yet.'),
	artist: albums,
};

function
editor(item, done)
{
	const form = Form({
		fields: [
			{ name: 'title', label: 'Title', value: item.title, required: true,
			    maxlength: '200' },
			{ name: 'year', label: 'Year', type: 'number', min: '1', max: '9999',
			    value: item.year },
			{ name: 'overview', label: 'Overview', type: 'textarea', rows: '5',
			    value: item.overview,
			    hint: 'What you change here is kept when the server is synced.' },
		],
		yes: 'Save',
		cancel: h('button', { type: 'button', onclick: () => done() }, 'Cancel'),
		run: ({ title, year, overview }) => patch(item, {
			...(title === item.title ? {} : { title }),
			...(year === String(item.year ?? '') ? {} :
			    { year: year === '' ? null : Number(year) }),
			...(overview === (item.overview ?? '') ? {} : { overview }),
		}),
		done: () => {
			toast('Saved');
			done();
		},
	});

	return h('section.panel', { 'aria-label': 'Edit' }, form.node);
}

const people = (item) => (item.metadata?.people ?? item.metadata?.cast ?? []).map((one) =>
    (typeof one === 'string' ? one : one.name)).filter(Boolean);

function
head(item, edit)
{
	const facts = [
		item.kind === 'movie' ? item.year : `${kindName(item.kind)[0].toUpperCase()}` +
		    `${kindName(item.kind).slice(1)}${item.year ? ` · ${item.year}` : ''}`,
		item.durationMs && item.kind !== 'show' ? lengthOf(item) : null,
		item.kind === 'show' && item.childCount ? many(item.childCount, 'season') : null,
		item.takenAt && item.kind === 'episode' ? dayOf(item.takenAt) : null,
	].filter(Boolean).join(' · ');
	const cast = people(item).slice(0, 8);

	return h('header.title-head', null, artwork(item), h('div.title-words', null,
	    item.parentId ? h('a', { href: link('title', { id: item.parentId }) },
		item.parentTitle ?? 'Up') : null,
	    h('h1', { tabindex: '-1' }, item.title), h('p.muted', null, facts),
	    item.status === 'trashed' ? h('p.form-note', null, 'This title is in the trash.') :
		null,
	    item.genres?.length ? h('ul.chips', null, item.genres.map((genre) =>
		h('li.pill', null, genre))) : null,
	    item.overview ? h('p', null, item.overview) : null,
	    cast.length ? h('p.muted', null, `With ${cast.join(', ')}`) : null,
	    item.tags?.length ? h('ul.chips', null, item.tags.map((tag) => h('li.chip', null,
		h('a', { href: link('search', { tag }) }, tag)))) : null,
	    mayEdit(item) && item.status !== 'trashed' ?
		h('div.buttons', null, h('button', { type: 'button', onclick: edit }, 'Edit')) :
		null));
}

export function
mount(root, first)
{
	let params = first;
	let item = null;
	let shown = {};
	let turn = 0;
	const top = h('div');
	const below = h('div');
	const drawHead = () => fill(top, head(item, () => {
		fill(top, editor(item, drawHead));
		top.querySelector('input').focus();
	}));
	const missing = () => h('div.notice', { role: 'alert' }, icon('file'),
	    h('h2', null, 'Title not found'),
	    h('p', null, 'It was removed from its server, or it is no longer shared with you.'),
	    h('a.button', { href: link('shelves') }, 'Go to the shelves'));
	const load = async () => {
		const mine = ++turn;

		fill(top, h('div.skeleton.line'));
		fill(below);
		try {
			const got = await fetchItem(params.id);
			if (mine !== turn)
				return;
			if (!mediaKind(got.kind).page) {
				go('library', { item: got.id }, { replace: true });
				return;
			}
			item = got;
			shown = {};
			drawHead();
			fill(below, HOLDS[item.kind]?.(item, () => params.season, shown) ?? null);
			document.title = `${item.title} · MediaNest`;
		} catch (problem) {
			if (mine === turn)
				fill(top, problem.status === 404 ? missing() :
				    notice(problem, load));
		}
	};
	const offs = [
		on('media', (event) => event.item === item && !top.querySelector('form') &&
		    drawHead()),
		on('media-gone', ({ id }) => id === item?.id && (fill(top, missing()),
		    fill(below))),
		on('resync', load),
	];

	fill(root, top, below, attribution());
	load();
	return {
		title: () => item?.title ?? 'Title',
		update(next) {
			const same = next.id === params.id;
			params = next;
			if (same)
				shown.choose?.(params.season);
			else
				load();
		},
		unmount() {
			turn++;
			offs.forEach((off) => off());
		},
	};
}
