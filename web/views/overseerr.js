/* Overseerr or Jellyseerr: its address and key, and who is who there. */
import { again } from '../lib/again.js';
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { ask } from '../ui/dialog.js';
import { Form, notice, options } from '../ui/form.js';
import { allowHelp } from '../ui/server-form.js';
import { fail, toast } from '../ui/toast.js';

const PATH = '/integrations/overseerr';
const TRIES = 4;

function
testAnswer(answer, address)
{
	const { server, permissions } = answer;

	if (answer.ok)
		return h('div.said.good', { role: 'status' }, icon('check'), h('div.grow', null,
		    h('p', null, ['Connected.', server?.name, server?.version &&
			`version ${server.version}`].filter(Boolean).join(' ')),
		    permissions?.length ? h('small', null,
			`The owner of the key may: ${permissions.join(', ')}`) : null));
	return h('div.said.bad', { role: 'alert' }, icon('alert'), h('div.grow', null,
	    h('p', null, answer.message),
	    answer.code === 'refused_address' ? allowHelp(address) : null));
}

function
settingsPanel(now, changed)
{
	const place = h('div');
	const test = h('button', { type: 'button', onclick: async () => {
		const values = { url: inputs.url.value.trim(),
		    apiKey: inputs.apiKey.value.trim() };

		if (!node.reportValidity())
			return;
		test.disabled = true;
		fill(place);
		try {
			fill(place, testAnswer(await api.post(`${PATH}/test`, values.apiKey ?
			    values : values.url === now?.url ? {} : { url: values.url },
			{ again: true }), values.url));
		} catch (problem) {
			fill(place, testAnswer({ ok: false, message: problem.message },
			    values.url));
		}
		test.disabled = false;
	} }, 'Test connection');
	const remove = now ? h('button', { type: 'button', onclick: async () => {
		if (!(await ask({ title: 'Disconnect Overseerr?',
		    text: 'Requests can no longer be made here. Overseerr keeps those it has.',
		    yes: 'Disconnect', danger: true })))
			return;
		try {
			await api.delete(PATH);
			toast('Overseerr disconnected');
			changed(null);
		} catch (problem) {
			fail(problem);
		}
	} }, icon('trash'), 'Disconnect') : null;
	const { node, inputs } = Form({
		fields: [
			{ name: 'url', label: 'Address', type: 'url', value: now?.url,
			    required: true, maxlength: '500',
			    placeholder: 'http://192.168.1.20:5055', autocomplete: 'off' },
			{ name: 'apiKey', label: 'API key', type: 'password', autocomplete: 'off',
			    required: !now?.apiKeySet, maxlength: '512',
			    hint: now?.apiKeySet ? 'Leave this empty to keep the stored key.' :
				'In Overseerr: Settings, General. It is stored encrypted.' },
			now ? { name: 'enabled', label: 'People can request titles',
			    type: 'checkbox', value: now.enabled } : null,
		],
		yes: now ? 'Save' : 'Connect', extra: place, cancel: [test, remove],
		run: ({ url, apiKey, enabled }) => api.put(PATH, { url,
		    ...(apiKey ? { apiKey } : {}), enabled: enabled ?? true }),
		done: (answer) => {
			toast('Saved');
			changed(answer);
		},
	});

	return h('section.panel', { 'aria-label': 'Connection' }, h('h2', null, 'Connection'),
	    node);
}

function
personRow(person, candidates)
{
	const node = h('li.line', { 'data-person': person.userId });
	const draw = (one) => {
		const choice = h('select', { 'aria-label': `Overseerr user of ${one.displayName}`,
		    onchange: async () => {
			try {
				const now = await api.put(`${PATH}/people/${one.userId}`,
				    { overseerrId: choice.value ? Number(choice.value) : null });
				toast('Saved');
				draw(now);
			} catch (problem) {
				fail(problem, 'Not saved.');
				draw(one);
			}
		} }, options([['', 'Nobody'], ...candidates.map(({ overseerrId, name }) =>
		    [String(overseerrId), name])], String(one.overseerrId ?? '')));

		fill(node, icon('person'), h('div.grow', null, h('strong', null, one.displayName),
		    h('small', null, !one.overseerrId ? 'Cannot request titles yet' :
			one.by === 'plex' ? 'Matched by their linked Plex account' :
			    'Matched by an admin')), choice);
	};

	draw(person);
	return node;
}

function
peoplePanel()
{
	const place = h('div.panel-part');
	let tries = 0;
	/* After the connection was set up, the server reads the users of Overseerr in a job. */
	const notYet = () => {
		fill(place, h('p.muted', null, 'The users of Overseerr are being read…'),
		    h('button', { type: 'button', onclick: load }, 'Refresh'));
		if (tries < TRIES)
			again(() => place.isConnected && load(), tries++);
	};
	const load = async () => {
		fill(place, h('div.skeleton.line'));
		try {
			const { items, candidates } = await api.get(`${PATH}/people`, null,
			    { patient: true });
			if (!candidates.length) {
				notYet();
				return;
			}
			const open = items.filter((one) => !one.overseerrId).length;

			fill(place, h('p.muted', null, open ?
			    `${many(open, 'person', 'people')} cannot request titles yet.` :
			    'Everyone is matched.'),
			h('ul.rows', null, items.map((one) => personRow(one, candidates))));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	load();
	return h('section.panel', { 'aria-label': 'People' }, h('h2', null, 'People'),
	    h('p', null, 'Requests are made in the name of a person. People who linked their ' +
		'Plex account are matched automatically, never by email address.'), place);
}

export function
mount(root)
{
	const place = h('div.panels');
	const draw = (now) => fill(place, settingsPanel(now, draw),
	    now && can('integrations.configure') ? peoplePanel() : null);
	const load = async () => {
		fill(place, h('div.skeleton.line'));
		try {
			draw(await api.get(PATH, null, { patient: true }));
		} catch (problem) {
			if (problem.status === 404)
				draw(null);
			else
				fill(place, notice(problem, load));
		}
	};

	fill(root, h('p.crumb', null, h('a', { href: link('integrations') }, icon('left'),
	    'Integrations')), h('h1', null, 'Overseerr'), place);
	load();
	return {
		update() {},
		unmount() {},
	};
}
