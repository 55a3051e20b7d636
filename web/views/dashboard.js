/* The house at a glance: open alerts, plots with their limits, syncs, the slowest routes. */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon, iconButton } from '../lib/dom.js';
import { bytes, count } from '../lib/format.js';
import { goHere, link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { adminNav } from '../ui/admin.js';
import { alertRow } from '../ui/alert-row.js';
import { notice } from '../ui/form.js';
import { lastValue, linePlot, measure } from '../ui/plot.js';
import { strip } from '../ui/sync-words.js';

const RUNS_SHOWN = 30;
const ALERTS_SHOWN = 10;
const ROUTES_SHOWN = 8;
/* A month of history is kept; an hour less, because clocks differ. */
const MONTH_S = 30 * 86400 - 3600;
const RANGES = { hour: ['Hour', 3600, '5m'], day: ['Day', 86400, '1h'],
    week: ['Week', 604800, '1d'], month: ['Month', MONTH_S, '1d'] };
/* metrics: [name in the API, name for people], the one that the figure shows first */
const CARDS = [
	{ title: 'Response time', hint: '95 of 100 requests are faster',
	    metrics: [['p95', 'p95'], ['p50', 'Median'], ['p99', 'p99']] },
	{ title: 'Database', hint: 'of a request, on average', metrics: [['database', 'Waiting']] },
	{ title: 'Cache hits', metrics: [['hits', 'Hits']], more: true },
	{ title: 'Errors', hint: 'of all requests', metrics: [['errors', 'Errors']] },
	{ title: 'Queue', hint: 'jobs that wait', metrics: [['queue', 'Waiting']] },
	{ title: 'Storage', metrics: [['storage', 'Used']] },
	{ title: 'Requests', metrics: [['requests', 'Requests']] },
];

/* more: a value below the limit is the bad one */
function
verdict(value, limit, more)
{
	if (value === null || limit === undefined || limit === null)
		return null;
	return (more ? value >= limit : value <= limit) ?
	    h('span.pill.good', null, 'Within the limit') :
	    h('span.pill.bad', null, icon('alert'), 'Past the limit');
}

function
plotCard({ title, hint, metrics, more }, range)
{
	const place = h('div.panel-part', null, h('div.skeleton.line'));
	const head = h('div.card-head', null, h('h2', null, title));
	let plot = null;
	const load = async () => {
		const to = new Date();
		const from = new Date(to - RANGES[range()][1] * 1000);

		try {
			const all = await Promise.all(metrics.map(([metric]) => api.get(
			    '/metrics/summary/history', { metric, from: from.toISOString(),
				to: to.toISOString() }, { patient: true })));
			const [{ unit, threshold, step, points }] = all;
			const now = lastValue(points);

			plot?.stop();
			plot = linePlot({ title, unit, step, limit: threshold ?? null, from, to,
			    series: all.map((one, i) => ({ name: metrics[i][1],
				points: one.points })) });
			fill(head, h('h2', null, title), verdict(now, threshold, more),
			    h('p.figure', null, measure(now, unit), ' ',
				hint ? h('small', null, hint) : null));
			fill(place, points.some(({ value }) => value !== null) ? plot.node :
			    h('p.muted', null, 'No figures yet.'));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	return { load, stop: () => plot?.stop(),
	    node: h('section.panel', { 'aria-label': title }, head, place) };
}

function
alertsPanel()
{
	const list = h('ul.rows');
	const node = h('section.panel', { 'aria-label': 'Open alerts', hidden: true },
	    h('div.panel-head', null, h('h2', null, 'Open alerts'),
		h('a', { href: link('alerts') }, 'All alerts')), list);
	const load = async () => {
		try {
			const { items } = await api.get('/admin/alerts',
			    { state: 'raised', limit: ALERTS_SHOWN }, { patient: true });

			node.hidden = !items.length;
			fill(list, items.map(alertRow));
		} catch (problem) {
			node.hidden = false;
			fill(list, h('li', null, notice(problem, load)));
		}
	};

	return { load, node };
}

function
tilesPart()
{
	const node = h('dl.tiles');
	const tile = (name, value, hint, to) => h('div', null, h('dt', null, name), h('dd', null,
	    to ? h('a', { href: to }, value) : value, hint ? h('small', null, hint) : null));
	const load = async () => {
		try {
			const s = await api.get('/admin/stats', null, { patient: true });

			fill(node, tile('Items', count(s.media.items)),
			    tile('Storage', bytes(s.storage.usedBytes),
				s.storage.freeBytes === undefined ? null :
				    `${bytes(s.storage.freeBytes)} free`, link('storage')),
			    tile('People', count(s.people.active), s.people.disabled ?
				`${count(s.people.disabled)} disabled` : null, link('users')),
			    tile('Not processed yet', count(s.uploads.waiting), null,
				link('jobs', { state: 'available' })),
			    tile('Could not be read', count(s.uploads.failed), null,
				s.uploads.failed ? link('jobs') : null));
		} catch (problem) {
			fill(node, h('div', null, notice(problem, load)));
		}
	};

	return { load, node };
}

function
syncsCard()
{
	const place = h('div.panel-part', null, h('div.skeleton.line'));
	const load = async () => {
		try {
			const { items } = await api.get('/integrations/plex/syncs',
			    { limit: RUNS_SHOWN }, { patient: true });

			fill(place, items.length ? strip(items) : h('p.muted', null,
			    'No sync has run yet.'));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	return { load, stop() {}, node: h('section.panel', { 'aria-label': 'Syncs' },
	    h('div.panel-head', null, h('h2', null, 'Syncs'),
		h('a', { href: link('integrations') }, 'Integrations')), place) };
}

function
routesTable({ routes })
{
	const slow = [...routes].sort((a, b) => b.p95Ms - a.p95Ms).slice(0, ROUTES_SHOWN);
	const ratio = (value) => measure(value ?? null, 'ratio');
	const ms = (value) => measure(value ?? null, 'ms');

	return h('div.sheet', { tabindex: '0', role: 'region', 'aria-label': 'Slowest routes' },
	    h('table', null, h('thead', null, h('tr', null, ['Route', 'Requests', 'Median', 'p95',
		'Database', 'Cache hits', 'Errors'].map((text) =>
		h('th', { scope: 'col' }, text)))),
	    h('tbody', null, slow.map((r) => h('tr', null,
		h('th', { scope: 'row' }, `${r.method} ${r.route}`), h('td', null, count(r.count)),
		h('td', null, ms(r.p50Ms)), h('td', null, ms(r.p95Ms)),
		h('td', null, ms(r.databaseMs)), h('td', null, ratio(r.cacheHitRatio)),
		h('td', null, ratio(r.errorRate)))))));
}

function
routesPanel(range)
{
	const place = h('div.panel-part', null, h('div.skeleton.line'));
	const load = async () => {
		try {
			const summary = await api.get('/metrics/summary',
			    { window: RANGES[range()][2] }, { patient: true });

			fill(place, summary.routes.length ? routesTable(summary) :
			    h('p.muted', null, 'No requests yet.'));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	return { load, stop() {}, node: h('section.panel', { 'aria-label': 'Slowest routes' },
	    h('h2', null, 'Slowest routes'), place) };
}

export function
mount(root, first)
{
	let params = first;
	const range = () => (RANGES[params.range] ? params.range : 'day');
	const alerts = alertsPanel();
	const tiles = tilesPart();
	const syncs = can('integrations.view') ? [syncsCard()] : [];
	const routes = routesPanel(range);
	const plots = CARDS.map((card) => plotCard(card, range));
	const buttons = Object.entries(RANGES).map(([name, [text]]) => h('button',
	    { type: 'button', 'data-range': name, onclick: () => goHere({ range: name }) }, text));
	const press = () => buttons.forEach((b) =>
	    b.setAttribute('aria-pressed', String(b.dataset.range === range())));
	const load = () => [alerts, tiles, ...syncs, routes, ...plots].forEach((one) =>
	    one.load());
	/* what was left open in a tab is looked at again when the person comes back */
	const back = () => document.visibilityState === 'visible' && load();
	const offs = [
		on('resync', load),
		on('server-event', ({ type }) => /^alert\./.test(type) && alerts.load()),
	];

	fill(root, adminNav('dashboard'), h('div.toolbar', null, h('h1', null, 'Dashboard'),
	    h('div.buttons', null,
		h('div.segments', { role: 'group', 'aria-label': 'Time shown' }, buttons),
		iconButton('restore', 'Refresh', load))),
	h('div.panels.wide', null, alerts.node), tiles.node,
	h('div.cards', null, [...plots, ...syncs].map(({ node }) => node)),
	h('div.panels.wide', null, routes.node));
	document.addEventListener('visibilitychange', back);
	press();
	load();
	return {
		update(next) {
			const same = range();

			params = next;
			press();
			if (range() !== same)
				[...plots, routes].forEach((one) => one.load());
		},
		unmount() {
			document.removeEventListener('visibilitychange', back);
			[...plots, ...syncs].forEach((one) => one.stop());
			offs.forEach((off) => off());
		},
	};
}
