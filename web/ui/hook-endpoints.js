/* Programs that are told what happens here. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago } from '../lib/format.js';
import { go, link } from '../lib/router.js';
import { EVENTS, eventWords } from './event-words.js';
import { copyable, Form, notice } from './form.js';

export const ENDPOINTS = '/webhooks/endpoints';

const HEADERS_TEXT_MAX = '4000';

/* One 'Name: value' a line. The values never leave the server: an empty one is kept as it is. */
const headerText = (headers) => Object.keys(headers ?? {}).map((name) => `${name}:`).join('\n');

function
headersOf(text, known)
{
	const pairs = text.split('\n').map((line) => line.trim()).filter(Boolean).map((line) => {
		const at = line.indexOf(':');

		const name = line.slice(0, at).trim();
		const value = line.slice(at + 1).trim();

		return at < 1 ? null : [name, value || (name in known ? null : '')];
	});

	return pairs.includes(null) ? null : Object.fromEntries(pairs);
}

export const secretOnce = (secret) => h('div.once', { role: 'status' },
    h('p', null, h('strong', null, 'Copy this secret now. It is not shown again.')),
    h('p', null, 'The receiver verifies the signature of each delivery with it ' +
	'(Standard Webhooks).'), copyable(secret, 'Secret'));

/* endpoint: the one that is changed; null for a new one. */
export function
endpointForm({ endpoint, done })
{
	const chosen = endpoint?.events ?? ['*'];
	const all = h('input', { type: 'checkbox', checked: chosen.includes('*'),
	    onchange: () => {
		some.hidden = all.checked;
	} });
	const boxes = Object.keys(EVENTS).map((name) => h('input', { type: 'checkbox',
	    value: name, checked: chosen.includes(name) }));
	const some = h('div.checks', { hidden: all.checked }, boxes.map((box) =>
	    h('label.check', null, box, EVENTS[box.value])));
	const { node, say, inputs } = Form({
		fields: [
			{ name: 'url', label: 'Address', type: 'url', required: true,
			    value: endpoint?.url, maxlength: '2000', autocomplete: 'off',
			    placeholder: 'https://example.org/hooks/medianest' },
			{ name: 'headers', label: 'Additional headers', type: 'textarea', rows: '2',
			    value: headerText(endpoint?.headers), maxlength: HEADERS_TEXT_MAX,
			    placeholder: 'Authorization: Bearer …', spellcheck: 'false',
			    hint: endpoint ? 'One “Name: value” a line. A name without a value ' +
				'keeps the stored value.' :
				'Optional, one “Name: value” a line.' },
			endpoint ? { name: 'enabled', label: 'Deliver events to this address',
			    type: 'checkbox', value: endpoint.enabled } : null,
		],
		extra: h('fieldset', null, h('legend', null, 'Events'),
		    h('label.check', null, all, 'All events'), some),
		yes: endpoint ? 'Save' : 'Add endpoint',
		run: async ({ url, headers: text, enabled }) => {
			const headers = headersOf(text, endpoint?.headers ?? {});
			const events = all.checked ? ['*'] : boxes.filter((box) => box.checked)
			    .map((box) => box.value);

			if (!headers || !events.length)
				throw Object.assign(new Error(), { status: 0, errors: [],
				    message: headers ? 'Choose at least one event.' :
					'A header must be written as “Name: value”.' });
			return endpoint ? api.patch(`${ENDPOINTS}/${endpoint.id}`, {
				...(url === endpoint.url ? {} : { url }), events,
				...(text === headerText(endpoint.headers) ? {} : { headers }),
				...(enabled === endpoint.enabled ? {} : { enabled }),
			}) : api.post(ENDPOINTS, { url, events,
			    ...(Object.keys(headers).length ? { headers } : {}) });
		},
		done: (answer) => {
			say('');
			done(answer);
		},
	});

	return { node, inputs };
}

/* Why MediaNest has switched an endpoint off by itself. */
export const OFF = {
	gone: 'Switched off: the receiver answered 410, which means that it is gone for good.',
	failing: 'Switched off: nothing has been delivered for days. Repair the receiver, then ' +
	    'switch it on in the settings below.',
};

export const endpointPill = (endpoint) => (!endpoint.enabled ?
    h(OFF[endpoint.offReason] ? 'span.pill.bad' : 'span.pill', null,
	OFF[endpoint.offReason] ? 'Switched off' : 'Off') :
    endpoint.failingSince ? h('span.pill.warn', null, 'Failing') :
    h('span.pill.good', null, 'On'));

const row = (endpoint) => h('li.line', { 'data-endpoint': endpoint.id }, icon('out'),
    h('div.grow', null, h('a.stretched', { href: link('endpoint', { id: endpoint.id }) },
	h('strong', null, `${endpoint.origin}/…`)),
    h('small', null, [eventWords(endpoint.events ?? []),
	endpoint.failingSince ? `failing since ${ago(endpoint.failingSince)}` :
	    endpoint.lastDeliveredAt && `last delivery ${ago(endpoint.lastDeliveredAt)}`]
	.filter(Boolean).join(' · '))), endpointPill(endpoint));

export function
endpointsTab(place)
{
	const once = h('div');
	const list = h('ul.rows');
	const load = async () => {
		try {
			const { items } = await api.get(ENDPOINTS, null, { patient: true });
			fill(list, items.map(row), items.length ? null : h('li.muted', null,
			    'No endpoint yet.'));
		} catch (problem) {
			fill(list, h('li', null, notice(problem, load)));
		}
	};
	const fresh = h('div');
	const form = () => fill(fresh, endpointForm({ endpoint: null, done: (made) => {
		if (made.secret) {
			fill(once, secretOnce(made.secret),
			    h('p', null, h('a', { href: link('endpoint', { id: made.id }) },
				'Send a test delivery')));
			once.scrollIntoView({ block: 'nearest' });
		} else {
			go('endpoint', { id: made.id });
		}
		load();
		form();
	} }).node);

	fill(list, h('li', null, h('div.skeleton.line')));
	form();
	fill(place, h('div.panels', null,
	    h('section.panel', { 'aria-label': 'Endpoints' }, h('h2', null, 'Endpoints'),
		h('p', null, 'MediaNest tells these programs what happens here.'), once, list),
	    h('section.panel', { 'aria-label': 'New endpoint' }, h('h2', null, 'New endpoint'),
		fresh)));
	load();
	return { update() {}, stop() {} };
}
