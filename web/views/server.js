/* One Plex server: its state, its libraries, its syncs, its settings. */
import { onReturn } from '../lib/again.js';
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, fullTime } from '../lib/format.js';
import { go, link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { ask } from '../ui/dialog.js';
import { notice, options } from '../ui/form.js';
import { librariesPanel } from '../ui/libraries.js';
import { runTest, SERVERS, serverForm } from '../ui/server-form.js';
import { syncNow } from '../ui/sync-now.js';
import { strip } from '../ui/sync-words.js';
import { fail, toast } from '../ui/toast.js';

const RUNS_SHOWN = 20;

/* Another machine responds at the known address: is it the same server, set up again? */
function
adoptQuestion(server, done)
{
	const yes = async () => {
		try {
			await api.post(`${SERVERS}/${server.id}/adopt`,
			    { machineIdentifier: server.adopt.machineId });
			toast('Noted. The next sync matches its items with the old ones.');
			done();
		} catch (problem) {
			fail(problem);
		}
	};

	return h('section.panel.question', { 'aria-label': 'Question' },
	    h('h2', null, 'Is this the same server?'),
	    h('p', null, `A Plex server with another identity responds at the address of ` +
		`“${server.name}”. That happens when Plex was installed again, and also when ` +
		'another server got the address. Nothing is synced until you answer.'),
	    h('dl.facts-list', null, h('dt', null, 'Known identity'),
		h('dd', null, h('code', null, server.machineId)), h('dt', null, 'Found now'),
		h('dd', null, h('code', null, server.adopt.machineId))),
	    can('integrations.configure') ? h('div.buttons', null,
		h('button.primary', { type: 'button', onclick: yes }, 'Yes, the same server'),
		h('button', { type: 'button',
		    onclick: () => document.querySelector('[name=url]')?.focus() },
		'No, change the address')) :
		h('p.muted', null, 'An admin can answer this.'));
}

async function
remove(server)
{
	const items = h('select', { 'aria-label': 'What happens to its items' }, options([
		['trash', 'Move its items to trash'],
		['purge', 'Remove its items for good, with tags and edits']], 'trash'));
	const choice = await ask({ title: `Delete “${server.name}”?`,
	    text: 'Nothing changes on the Plex server itself.', body: items,
	    value: () => items.value, yes: 'Delete', danger: true });

	if (!choice)
		return;
	try {
		await api.delete(`${SERVERS}/${server.id}`, choice === 'purge' ?
		    { items: 'purge' } : null);
		toast(`“${server.name}” deleted`);
		go('integrations', {});
	} catch (problem) {
		fail(problem);
	}
}

function
statePanel(server)
{
	const configure = can('integrations.configure');
	const place = h('div');
	const test = h('button', { type: 'button', onclick: () => runTest(test, place,
	    () => api.post(`${SERVERS}/${server.id}/test`, undefined, { again: true }),
	    () => server.url) }, 'Test connection');
	const fact = (name, value) => (value ? [h('dt', null, name), h('dd', null, value)] : null);

	return h('section.panel', { 'aria-label': 'State' }, h('h2', null, 'State'),
	    h('dl.facts-list', null, fact('Address', server.url && h('code', null, server.url)),
		fact('Version', server.serverVersion),
		fact('Last seen', server.lastSeenAt ? h('time', { datetime: server.lastSeenAt,
		    title: fullTime(server.lastSeenAt) }, ago(server.lastSeenAt)) : 'never'),
		fact('Sync', server.enabled ? 'On' : 'Off')),
	    place, configure ? h('div.buttons', null, test, h('button', { type: 'button',
		disabled: !server.enabled, onclick: () => syncNow(server.id) }, 'Sync now')) :
		null);
}

function
runsPanel(server)
{
	const place = h('div.panel-part', null, h('div.skeleton.line'));
	const load = async () => {
		try {
			const { items } = await api.get('/integrations/plex/syncs',
			    { server: server.id, limit: RUNS_SHOWN }, { patient: true });
			fill(place, items.length ? strip(items) :
			    h('p.muted', null, 'No sync has run yet.'));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	load();
	return { load, node: h('section.panel', { 'aria-label': 'Syncs' }, h('h2', null, 'Syncs'),
	    place) };
}

export function
mount(root, first)
{
	let params = first;
	let server = null;
	let panels = []; /* what a sync changes */
	const place = h('div');
	const draw = () => {
		const configure = can('integrations.configure');
		const form = () => serverForm({ server, done: (now) => {
			server = now;
			toast('Saved');
			draw();
		} }).node;

		const libraries = librariesPanel(server);
		const runs = runsPanel(server);

		panels = [libraries, runs];
		fill(place, h('div.toolbar', null, h('h1', null, server.name), configure ?
		    h('button', { type: 'button', onclick: () => remove(server) }, icon('trash'),
			'Delete') : null),
		h('div.panels', null, server.adopt ? adoptQuestion(server, load) : null,
		    statePanel(server), libraries.node, runs.node, configure ?
			h('section.panel', { 'aria-label': 'Settings' },
			    h('h2', null, 'Settings'), form()) : null));
		document.title = `${server.name} · MediaNest`;
	};
	const load = async () => {
		fill(place, h('div.panels', null, h('div.skeleton.line')));
		try {
			server = await api.get(`${SERVERS}/${params.id}`, null, { patient: true });
			draw();
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};
	const offs = [
		on('resync', load),
		/* what somebody is writing in the form stays */
		onReturn(() => panels.forEach((panel) => panel.load())),
		on('server-event', ({ type }) => /^sync\./.test(type) &&
		    panels.forEach((panel) => panel.load())),
	];

	fill(root, h('p.crumb', null, h('a', { href: link('integrations') }, icon('left'),
	    'Integrations')), place);
	load();
	return {
		title: () => server?.name ?? 'Server',
		update(next) {
			const same = next.id === params.id;
			params = next;
			if (!same)
				load();
		},
		unmount() {
			offs.forEach((off) => off());
		},
	};
}
