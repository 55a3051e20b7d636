/* What runs on this host: pools, worker, live events, databases. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { bytes, count, many } from '../lib/format.js';
import { queueName } from '../lib/job-words.js';
import { link } from '../lib/router.js';
import { adminNav } from '../ui/admin.js';
import { notice } from '../ui/form.js';
import { meter } from '../ui/meter.js';

const running = (on) => h(`span.pill.${on ? 'good' : 'bad'}`, null, on ? 'Running' : 'Not running');

/* 75 -> '1 min' */
const waited = (s) => (s < 60 ? `${count(s)} s` : s < 3600 ? `${count(Math.trunc(s / 60))} min` :
    `${count(Math.trunc(s / 3600))} h`);

function
table(label, head, rows)
{
	return h('div.sheet.names', { tabindex: '0', role: 'region', 'aria-label': label },
	    h('table', null, h('thead', null, h('tr', null, head.map((text) =>
		h('th', { scope: 'col' }, text)))),
	    h('tbody', null, rows.map(([name, ...cells]) => h('tr', null,
		h('th', { scope: 'row' }, name), cells.map((cell) => h('td', null, cell)))))));
}

const poolRow = (pool) => [pool.name, running(pool.running), count(pool.workers),
    h('span.busy', null, count(pool.busy), ' ', meter(pool.busy, pool.workers,
	`${count(pool.busy)} of ${count(pool.workers)} busy`, { usual: true })),
    count(pool.restarts), pool.pid ?? '–'];

const queueRow = (q) => [h('a', { href: link('jobs', { queue: q.queue }) }, queueName(q.queue)),
    `${count(q.running)} of ${count(q.limit)}`, count(q.waiting),
    q.waiting ? waited(q.oldestSeconds) : '–'];

function
draw(place, p)
{
	const fact = (name, value, hint) => h('div', null, h('dt', null, name),
	    h('dd', null, value, hint ? h('small', null, hint) : null));
	const old = p.worker.version && p.worker.version !== p.version;

	fill(place, h('dl.tiles', null, fact('MediaNest', p.version, `schema ${p.schema}`),
	    fact('PostgreSQL', p.postgres.version.split(' ')[0],
		`${count(p.postgres.connections)} connections, ${
		    many(p.postgres.reconnects, 'reconnect')}`),
	    fact('Redis', p.redis.running ? p.redis.version : 'Not running', p.redis.running ?
		`${bytes(p.redis.usedBytes)}, ${many(p.redis.reconnects, 'reconnect')}` : null),
	    fact('Live connections', count(p.notifyd.websocket + p.notifyd.eventsource),
		`${count(p.notifyd.websocket)} WebSocket, ${
		    count(p.notifyd.eventsource)} streams`)),
	old ? h('div.said.bad', null, h('p', null, `The worker still runs version ${
	    p.worker.version}. Restart it.`)) : null,
	h('div.cards', null, h('section.panel', { 'aria-label': 'Worker' },
	    h('div.panel-head', null, h('h2', null, 'Worker'), running(p.worker.running)),
	    table('Queues', ['Queue', 'Running', 'Waiting', 'Oldest'],
		p.worker.queues.map(queueRow))),
	h('section.panel', { 'aria-label': 'Pools' },
	    h('div.panel-head', null, h('h2', null, 'Pools'), h('span.muted', null,
		'live events ', running(p.notifyd.running))),
	    table('Pools', ['Pool', 'State', 'Workers', 'Busy', 'Replaced', 'Process'],
		p.pools.map(poolRow)))));
}

export function
mount(root)
{
	const place = h('div', null, h('div.skeleton.line'));
	const load = async () => {
		try {
			draw(place, await api.get('/admin/processes', null, { patient: true }));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};
	fill(root, adminNav('processes'), h('div.toolbar', null, h('h1', null, 'Processes'),
	    h('button', { type: 'button', onclick: load }, icon('restore'), 'Refresh')), place);
	load();
	return {
		update() {},
		unmount() {},
	};
}
