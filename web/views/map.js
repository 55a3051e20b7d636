/*
 * Where the person's photos and videos were taken: a map, the list of places beside it, and below
 * it the items of what was chosen.
 */
import { again } from '../lib/again.js';
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { debounce, fill, h, icon } from '../lib/dom.js';
import { count } from '../lib/format.js';
import { pager } from '../lib/media.js';
import { boundsText, countryName, placeText } from '../lib/places.js';
import { goHere, link } from '../lib/router.js';
import { bulkActions } from '../ui/bulk.js';
import { notice } from '../ui/form.js';
import { Grid } from '../ui/grid.js';
import { Selection } from '../ui/selection.js';
import { WorldMap } from '../ui/world-map.js';

const SCOPE = 'library';
const PAGE = 100;
const SOON_MS = 1000;
const NEAR = 0.2; /* degrees around a place */
const CLOSE_ZOOM = 7; /* the outlines still show where it is */
const WIDE_ZOOM = 6;

/* The box of all of these. */
const around = (clusters) => clusters.reduce(([west, south, east, north], { bounds: b }) =>
    [Math.min(west, b[0]), Math.min(south, b[1]), Math.max(east, b[2]), Math.max(north, b[3])],
[180, 90, -180, -90]);

/* A box with as much again around it, as far as it does not cross 180 degrees. */
function
wider([west, south, east, north])
{
	const dx = (east - west) / 2;
	const dy = (north - south) / 2;

	return west > east ? [west, south, east, north] : [Math.max(-180, west - dx),
	    Math.max(-90, south - dy), Math.min(180, east + dx), Math.min(90, north + dy)];
}

const within = (inner, outer) => inner[0] >= outer[0] && inner[1] >= outer[1] &&
    inner[2] <= outer[2] && inner[3] <= outer[3] && inner[0] <= inner[2];

/* Its style comes with it. */
function
styled()
{
	if (!document.querySelector('link[href="map.css"]'))
		document.head.append(h('link', { rel: 'stylesheet', href: 'map.css' }));
}

/* The places, page by page, and what is chosen of them. */
class Places {
	constructor(onloaded)
	{
		this.onloaded = onloaded;
		this.list = h('ul.place-list');
		this.more = h('button.more', { type: 'button', hidden: true,
		    onclick: () => this.load() }, 'Show more');
		this.node = h('section.places', { 'aria-label': 'Places' }, this.list, this.more);
		this.known = new Map();
		this.run = 0;
		this.stop = () => {};
	}

	destroy()
	{
		this.run++;
		this.stop();
	}

	reload()
	{
		this.cursor = null;
		this.load();
	}

	async load(tries = 0)
	{
		const mine = ++this.run;
		const first = !this.cursor;

		this.stop();
		try {
			const answer = await api.get('/media/places',
			    { scope: SCOPE, limit: PAGE, cursor: this.cursor }, { patient: true });

			if (mine !== this.run)
				return;
			if (first) {
				fill(this.list);
				this.known.clear();
			}
			answer.items.forEach((place) => this.known.set(place.id, place));
			this.list.append(...answer.items.map((place) => this.row(place)));
			this.cursor = answer.page.nextCursor;
			this.more.hidden = !this.cursor;
			this.onloaded(this.known);
		} catch (problem) {
			if (mine !== this.run)
				return;
			this.more.hidden = true;
			fill(this.list, h('li', null, problem.code === 'places_off' ?
			    h('div.notice', { role: 'alert' }, h('p', null, problem.message)) :
			    notice(problem, () => this.load())));
			if (problem.code !== 'places_off')
				this.stop = again(() => this.load(tries + 1), tries);
		}
	}

	row(place)
	{
		return h('li', null, h('a', { href: link('map', { place: place.id }),
		    'data-place': place.id },
		h('span', null, h('strong', null, place.name),
		    h('small.muted', null, [place.region !== place.name && place.region,
			countryName(place.country)].filter(Boolean).join(', '))),
		h('span.place-count', null, count(place.count),
		    h('span.unseen', null, place.count === 1 ? ' item' : ' items'))));
	}

	choose(id)
	{
		for (const a of this.list.querySelectorAll('a'))
			if (a.dataset.place === String(id))
				a.setAttribute('aria-current', 'true');
			else
				a.removeAttribute('aria-current');
	}
}

export function
mount(root, first)
{
	let params = first;
	let shown = null; /* what the grid is of */
	let grid = null;
	let turn = 0;
	let fitted = false; /* the map stands where it should */
	let seen = null;
	let named = null;   /* whether there are places; null: not known yet */
	let marked = false; /* there are items on the map */
	const selection = new Selection(bulkActions(() => selection));
	const title = h('h2', { tabindex: '-1' });
	const below = h('section.map-items', { 'aria-live': 'polite', hidden: true });
	const query = () => ({ sort: 'taken', scope: SCOPE, place: params.place,
	    bounds: params.bounds });
	const state = h('p.muted.map-state', { role: 'status' });

	const clusters = async () => {
		const mine = ++turn;

		try {
			/* at first the whole world, to know where to look */
			const { items } = await api.get('/media/places/clusters', { scope: SCOPE,
			    bounds: fitted ? boundsText(seen.asked) : null,
			    zoom: seen.zoom }, { patient: true });

			if (mine !== turn)
				return;
			map.show(items);
			marked ||= items.length > 0;
			tellEmpty();
			state.textContent = '';
			if (!fitted && items.length)
				map.fit(around(items), WIDE_ZOOM);
			fitted = true;
		} catch (problem) {
			if (mine === turn && problem.code !== 'places_off')
				state.textContent = problem.message;
		}
	};
	const map = new WorldMap({
		onmoved: (where) => {
			if (seen && seen.zoom === where.zoom && within(where.bounds, seen.asked))
				return;
			seen = { ...where, asked: wider(where.bounds) };
			clusters();
		},
		onopen: (cluster) => {
			map.fit(cluster.bounds, Math.max(map.zoom + 2, CLOSE_ZOOM));
			goHere({ place: null, bounds: boundsText(cluster.bounds) });
		},
	});
	/* what no city is near to is on the map alone */
	const tellEmpty = () => {
		empty.hidden = named !== false || marked;
	};
	const empty = h('div.empty', { hidden: true }, icon('motion'),
	    h('h2', null, 'No places yet'), h('p', null,
		'Photos and videos that know where they were taken appear here. ' +
		'Only you see their places.'));
	const places = new Places((known) => {
		named = known.size > 0;
		tellEmpty();
		places.choose(params.place);
		chosen(false);
	});

	/* The items of a place or a cluster. */
	const chosen = (move) => {
		const key = params.place || params.bounds ?
		    `${params.place ?? ''}/${params.bounds ?? ''}` : null;
		const place = places.known.get(Number(params.place));

		if (place) {
			title.textContent = placeText(place);
			if (move || shown !== key) {
				fitted = true;
				map.fit([place.longitude - NEAR, place.latitude - NEAR,
				    place.longitude + NEAR, place.latitude + NEAR], CLOSE_ZOOM);
			}
		} else {
			title.textContent = 'Here';
		}
		if (shown === key)
			return;
		shown = key;
		grid?.destroy();
		grid = null;
		below.hidden = key === null;
		if (key === null)
			return;
		grid = new Grid({ label: 'Items', pager: pager(query), group: null, selection,
		    accept: (item) => item.status !== 'trashed' && item.status !== 'pending' &&
			!item.archived,
		    empty: () => h('p.muted', null, 'Nothing here.') });
		fill(below, h('div.map-items-head', null, title, h('button',
		    { type: 'button', onclick: () => goHere({ place: null, bounds: null }) },
		    'Close')), grid.node);
	};
	const changed = debounce(() => {
		places.reload();
		if (seen)
			clusters();
	}, SOON_MS);
	const offs = [on('resync', changed), on('media-gone', changed),
	    on('media-new', changed)];

	styled();
	if (params.bounds) {
		fitted = true;
		map.fit(params.bounds.split(',').map(Number), CLOSE_ZOOM);
	}
	fill(root, h('h1', null, 'Map'), state, empty,
	    h('div.map-page', null, map.node, places.node), below,
	    h('p.muted.map-sources', null,
		'Cities: GeoNames (geonames.org), CC BY 4.0. Outlines: Natural Earth.'));
	places.reload();
	chosen(true);
	return {
		sequence: () => grid,
		query,
		update(next) {
			const moved = next.place !== params.place;

			params = next;
			places.choose(params.place);
			chosen(moved);
			if (moved && params.place)
				title.focus({ preventScroll: true });
		},
		unmount() {
			turn++;
			changed.cancel();
			offs.forEach((off) => off());
			places.destroy();
			map.destroy();
			grid?.destroy();
			selection.detach();
		},
	};
}
