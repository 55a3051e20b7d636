/* Media servers, their last syncs, and Overseerr: for people who look and for those who set up. */
import { onReturn } from '../lib/again.js';
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, fullTime, many } from '../lib/format.js';
import { go, link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { adminNav } from '../ui/admin.js';
import { firstSteps } from '../ui/first-steps.js';
import { notice } from '../ui/form.js';
import { SERVERS, serverForm } from '../ui/server-form.js';
import { syncNow } from '../ui/sync-now.js';
import { changes, lasted, runPill, strip } from '../ui/sync-words.js';

const RUNS_SHOWN = 40;
const RUNS_LISTED = 5;
const OVERSEERR = {
	ok: ['Connected', 'good'], unreachable: ['Not reachable', 'bad'],
	unauthorized: ['API key refused', 'bad'], tls: ['Certificate not trusted', 'bad'],
	refused_address: ['Address not allowed', 'bad'],
	not_overseerr: ['Not Overseerr', 'bad'],
};

function
serverRow(server)
{
	const { libraries: l, lastSync } = server;
	const state = !server.enabled ? h('span.pill', null, 'Off') :
	    server.adopt ? h('span.pill.warn', null, 'Needs an answer') :
	    lastSync ? runPill(lastSync.status) : h('span.pill', null, 'Not synced yet');
	const seen = server.lastSeenAt ? `last seen ${ago(server.lastSeenAt)}` : 'never seen';

	return h('li.line', { 'data-server': server.id }, icon('film'), h('div.grow', null,
	    h('a.stretched', { href: link('server', { id: server.id }) },
		h('strong', null, server.name)),
	    h('small', null, [server.serverVersion && `Plex ${server.serverVersion}`,
		l && `${l.enabled} of ${many(l.total, 'library', 'libraries')}`, seen]
		.filter(Boolean).join(' · '))), state);
}

function
serversPanel(told)
{
	const configure = can('integrations.configure');
	const list = h('ul.rows');
	const place = h('div');
	const add = h('button.primary', { type: 'button', onclick: () => open() }, 'Add a server');
	const sync = h('button', { type: 'button', hidden: true, onclick: () => syncNow() },
	    'Sync all now');
	const guide = h('div');
	const close = () => {
		fill(place);
		add.hidden = false;
	};
	const open = () => {
		const { node, inputs } = serverForm({ server: null, cancel: close,
		    done: (server) => go('server', { id: server.id }) });

		add.hidden = true;
		fill(place, h('div.inset', null, h('h3', null, 'New server'), node));
		inputs.name.focus();
	};
	const load = async () => {
		if (!list.children.length)
			fill(list, h('li', null, h('div.skeleton.line')));
		try {
			const { items } = await api.get(SERVERS, null, { patient: true });
			fill(list, items.map(serverRow), items.length ? null : h('li.muted', null,
			    configure ? 'No server yet. Add one to fill the shelves.' :
				'No server is connected yet. An admin can add one.'));
			sync.hidden = !configure || !items.some((one) => one.enabled);
			if (configure && !guide.firstChild)
				fill(guide, firstSteps(!items.length));
			told(items);
		} catch (problem) {
			fill(list, h('li', null, notice(problem, load)));
		}
	};

	return { load, node: h('section.panel', { 'aria-label': 'Plex servers' },
	    h('h2', null, 'Plex servers'), list, place,
	    configure ? h('div.buttons', null, add, sync) : null, guide) };
}

function
runLine(run, names)
{
	return h('li.line', null, h('div.grow', null,
	    h('a.stretched', { href: link('sync', { id: run.id }) },
		h('strong', null, names.get(run.serverId) ?? 'Sync'), ' ',
		h('time', { datetime: run.startedAt, title: fullTime(run.startedAt) },
		    ago(run.startedAt))),
	    h('small', null, [run.error?.message ?? changes(run.counts), lasted(run.durationMs)]
		.filter(Boolean).join(' · '))), runPill(run.status));
}

function
runsPanel(names)
{
	const place = h('div.panel-part');
	const load = async () => {
		try {
			const { items } = await api.get('/integrations/plex/syncs',
			    { limit: RUNS_SHOWN }, { patient: true });
			fill(place, items.length ? [strip(items, names), h('ul.rows', null,
			    items.slice(0, RUNS_LISTED).map((run) => runLine(run, names)))] :
			    h('p.muted', null, 'No sync has run yet.'));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	fill(place, h('div.skeleton.line'));
	return { load, node: h('section.panel', { 'aria-label': 'Syncs' }, h('h2', null, 'Syncs'),
	    place) };
}

function
overseerrPanel()
{
	const configure = can('integrations.configure');
	const place = h('div.panel-part');
	const none = () => [h('p', null, 'With Overseerr or Jellyseerr, people can request films ' +
	    'and series here.'), configure ? h('a.button', { href: link('overseerr') },
	    'Set up Overseerr') : h('p.muted', null, 'An admin can set it up.')];
	const state = (o) => {
		const [word, tone] = !o.enabled ? ['Off', 'on'] :
		    OVERSEERR[o.state] ?? [o.state ?? 'Not tested', 'on'];

		return [h('div.line', null, icon('spark'), h('div.grow', null,
		    h('strong', null, 'Overseerr'), h('small', null,
			[o.version && `version ${o.version}`,
			    o.lastSeenAt && `last seen ${ago(o.lastSeenAt)}`]
			    .filter(Boolean).join(' · ') || o.url)),
		h(`span.pill.${tone}`, null, word)),
		h('div.buttons', null,
		    h('a.button', { href: link('requests') }, 'Requests'),
		    configure ? h('a.button', { href: link('overseerr') }, 'Settings') : null)];
	};
	const load = async () => {
		try {
			fill(place, state(await api.get('/integrations/overseerr', null,
			    { patient: true })));
		} catch (problem) {
			fill(place, problem.status === 404 ? none() : notice(problem, load));
		}
	};

	fill(place, h('div.skeleton.line'));
	return { load, node: h('section.panel', { 'aria-label': 'Requests' },
	    h('h2', null, 'Requests'), place) };
}

export function
mount(root)
{
	const names = new Map();
	const runs = runsPanel(names);
	const servers = serversPanel((items) => {
		items.forEach(({ id, name }) => names.set(id, name));
		runs.load();
	});
	const overseerr = overseerrPanel();
	const load = () => {
		servers.load();
		overseerr.load();
	};
	const offs = [
		on('resync', load),
		onReturn(load),
		on('server-event', ({ type }) => /^sync\./.test(type) && servers.load()),
	];

	fill(root, adminNav('integrations'), h('h1', null, 'Integrations'),
	    h('div.panels', null, servers.node, runs.node, overseerr.node));
	load();
	return {
		update() {},
		unmount() {
			offs.forEach((off) => off());
		},
	};
}
