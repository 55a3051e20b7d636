/* Where events come from: Plex, Overseerr, and programs that can sign. Secrets are shown once. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, dayOf } from '../lib/format.js';
import { link } from '../lib/router.js';
import { ask } from './dialog.js';
import { copyable, Form, notice } from './form.js';
import { fail, toast } from './toast.js';

const PATH = '/webhooks/sources';
const KINDS = { plex: 'Plex', overseerr: 'Overseerr or Jellyseerr', generic: 'Another program' };

/* What to do with the address and the key. */
const NEXT = {
	plex: 'In Plex, open Settings, Webhooks, Add Webhook, and paste the address. ' +
	    'Webhooks need Plex Pass.',
	overseerr: 'In Overseerr, open Settings, Notifications, Webhook, and paste the address. ' +
	    'Instead of the key in the address, you can paste the key as “Authorization Header”.',
	generic: 'Send JSON to the address, signed with the secret by Standard Webhooks or ' +
	    'X-Hub-Signature-256.',
};

function
shownOnce({ source, url, key, secret })
{
	const part = (label, text) => (text ? [h('h3', null, label), copyable(text, label)] :
	    null);

	return h('div.once', { role: 'status' },
	    h('p', null, h('strong', null, 'Copy these now. They are not shown again.')),
	    h('p', null, NEXT[source]), part('Address', url), part('Key', key),
	    part('Secret', secret));
}

function
row(first, show, gone)
{
	const node = h('li.line', { 'data-source': first.id });
	let source = first;
	const turn = async () => {
		try {
			source = await api.patch(`${PATH}/${source.id}`,
			    { enabled: !source.enabled });
			toast(source.enabled ? `“${source.name}” is on` :
			    `“${source.name}” is off. Its events are refused.`);
			draw();
		} catch (problem) {
			fail(problem);
		}
	};
	const rotate = async () => {
		if (!(await ask({ title: `New key for “${source.name}”?`,
		    text: 'The old address and secret stop working at once. Paste the new ones ' +
			'into the program that sends.', yes: 'New key', danger: true })))
			return;
		try {
			show(await api.post(`${PATH}/${source.id}/rotate`));
		} catch (problem) {
			fail(problem);
		}
	};
	const remove = async () => {
		if (!(await ask({ title: `Delete “${source.name}”?`,
		    text: 'Its events are refused from now on. Those in the inbox stay.',
		    yes: 'Delete', danger: true })))
			return;
		try {
			await api.delete(`${PATH}/${source.id}`);
			node.remove();
			toast(`“${source.name}” deleted`);
			gone();
		} catch (problem) {
			fail(problem);
		}
	};
	const draw = () => fill(node, icon('bell'), h('div.grow', null,
	    h('strong', null, source.name, ' ', source.enabled ? null :
		h('span.pill', null, 'Off')),
	    h('small', null, `${KINDS[source.source]} · ${source.lastEventAt ?
		`last event ${ago(source.lastEventAt)}` :
		`no event since ${dayOf(source.createdAt)}`}`)),
	h('div.buttons', null,
	    h('a.button.small', { href: link('webhooks', { tab: 'inbox',
		source: source.source }), 'aria-label': `Events of ${source.name}` }, 'Events'),
	    h('button.small', { type: 'button', onclick: turn,
		'aria-label': `Turn ${source.enabled ? 'off' : 'on'} ${source.name}` },
	    source.enabled ? 'Turn off' : 'Turn on'),
	    h('button.small', { type: 'button', 'aria-label': `New key for ${source.name}`,
		onclick: rotate }, 'New key'),
	    h('button.small', { type: 'button', 'aria-label': `Delete ${source.name}`,
		onclick: remove }, 'Delete')));

	draw();
	return node;
}

export function
sourcesTab(place)
{
	const once = h('div');
	const list = h('ul.rows');
	const show = (answer) => {
		fill(once, shownOnce(answer));
		once.scrollIntoView({ block: 'nearest' });
	};
	const empty = () => !list.children.length && fill(list, h('li.muted', null,
	    'No source yet. Without webhooks, changes arrive with the next sync.'));
	const load = async () => {
		try {
			const { items } = await api.get(PATH, null, { patient: true });
			fill(list, items.map((one) => row(one, show, empty)));
			empty();
		} catch (problem) {
			fill(list, h('li', null, notice(problem, load)));
		}
	};
	const { node } = Form({
		fields: [
			{ name: 'source', label: 'From', options: Object.entries(KINDS) },
			{ name: 'name', label: 'Name', required: true, maxlength: '100',
			    placeholder: 'Plex in the living room' },
		],
		yes: 'Add source',
		run: (values) => api.post(PATH, values),
		done: (answer) => {
			node.reset();
			show(answer);
			load();
		},
	});

	fill(list, h('li', null, h('div.skeleton.line')));
	fill(place, h('div.panels', null,
	    h('section.panel', { 'aria-label': 'Sources' }, h('h2', null, 'Sources'),
		h('p', null, 'Plex, Overseerr and other programs tell MediaNest what happens.'),
		once, list),
	    h('section.panel', { 'aria-label': 'New source' }, h('h2', null, 'New source'),
		node)));
	load();
	return { update() {}, stop() {} };
}
