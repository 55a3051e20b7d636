/* One endpoint: its state, its settings, and the log of its deliveries. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, fullTime, localInput, many } from '../lib/format.js';
import { go, goHere, link } from '../lib/router.js';
import { pagedList } from '../ui/admin.js';
import { ask } from '../ui/dialog.js';
import { EVENTS } from '../ui/event-words.js';
import { notice, options } from '../ui/form.js';
import {
	endpointForm, endpointPill, ENDPOINTS, OFF, secretOnce,
} from '../ui/hook-endpoints.js';
import { fail, toast } from '../ui/toast.js';

const PAGE = 50;
const STATES = {
	waiting: ['Waiting', 'on'], delivered: ['Delivered', 'good'],
	failed: ['Failed, retrying', 'warn'], dead: ['Given up', 'bad'],
};
const FILTERS = ['status', 'from', 'to'];

const took = (ms) => (Number.isFinite(ms) ? `${ms} ms` : null);

/* What an attempt ended with, in words to act on. */
const ERRORS = {
	refused_address: 'MediaNest does not connect to this private address. List it in ' +
	    'outbound.allow.',
	unreachable: 'No answer from this address.',
	tls: 'The certificate of the receiver is not trusted.',
	timeout: 'The receiver did not answer in time.',
	protocol: 'The receiver does not speak HTTP.',
	redirect: 'The receiver redirects elsewhere. Enter the final address.',
	gone: 'The receiver answered that it is gone for good.',
	sealed: 'The secret cannot be read: its key is gone. Create a new secret.',
	switched_off: 'Given up while the endpoint was off.',
};

const errorWords = ({ error, responseStatus, status }) => (error === 'status' ?
    `The receiver answered ${responseStatus ?? status}.` : ERRORS[error] ?? error);

function
row(path, delivery)
{
	const [word, tone] = STATES[delivery.status] ?? [delivery.status, 'on'];
	const inside = h('div.inside');
	const fact = (name, value) => (value ? [h('dt', null, name), h('dd', null, value)] : null);
	const again = async () => {
		try {
			await api.post(`${path}/replay`, { deliveryId: delivery.id });
			toast('Queued again');
		} catch (problem) {
			fail(problem);
		}
	};
	const open = async () => {
		fill(inside, h('div.skeleton.line'));
		try {
			const { payload } = await api.get(`${path}/deliveries/${delivery.id}`);

			fill(inside, h('dl.facts-list', null,
			    fact('Sent', fullTime(delivery.createdAt)),
			    fact('Attempts', String(delivery.attempts)),
			    fact('Answer', delivery.responseStatus &&
				[delivery.responseStatus, took(delivery.durationMs)]
				    .filter(Boolean).join(', ')),
			    fact('Next attempt', delivery.nextAttemptAt &&
				fullTime(delivery.nextAttemptAt))),
			h('pre.payload', { tabindex: '0', 'aria-label': 'Payload' },
			    JSON.stringify(payload, null, 2)),
			h('div.buttons', null,
			    h('button', { type: 'button', onclick: again }, 'Send again')));
		} catch (problem) {
			fill(inside, h('p.field-error', { role: 'alert' }, problem.message));
		}
	};
	const details = h('details', { ontoggle: () => details.open && !inside.firstChild &&
	    open() }, h('summary', null, h('span.grow', null,
	    h('strong', null, EVENTS[delivery.event] ?? delivery.event),
	    delivery.error ? h('small.field-error', null, errorWords(delivery)) :
		h('small', null, many(delivery.attempts, 'attempt'))),
	h('time', { datetime: delivery.createdAt, title: fullTime(delivery.createdAt) },
	    ago(delivery.createdAt)), h(`span.pill.${tone}`, null, word)), inside);

	return h('li', { 'data-delivery': delivery.id }, details);
}

/* The log of deliveries, with its filters and what can be sent again at once. */
function
deliveries(path, first)
{
	let params = first;
	const list = pagedList({ path: `${path}/deliveries`, limit: PAGE,
	    row: (delivery) => row(path, delivery), none: 'No deliveries' });
	const status = h('select', { onchange: () => goHere({ status: status.value || null }) },
	    options([['', 'All'], ...Object.entries(STATES).map(([value, [text]]) =>
		[value, text])], params.status ?? ''));
	const when = (name) => h('input', { type: 'datetime-local', onchange: ({ target }) =>
	    goHere({ [name]: target.value ? new Date(target.value).toISOString() : null }) });
	const from = when('from');
	const to = when('to');
	const replay = async (title, body) => {
		if (!(await ask({ title, yes: 'Send again', text: 'Each delivery keeps ' +
		    'its id, so that the receiver can tell a repetition.' })))
			return;
		try {
			const { replayed } = await api.post(`${path}/replay`, body);
			toast(replayed ?
			    `${many(replayed, 'delivery', 'deliveries')} queued again` :
			    'Nothing to send again');
			show();
		} catch (problem) {
			fail(problem);
		}
	};
	const span = h('button', { type: 'button', onclick: () =>
		replay('Send all deliveries of this time again?', {
			from: params.from,
			to: params.to ?? new Date().toISOString(),
		}) }, 'Send this time again');
	const show = () => {
		status.value = params.status ?? '';
		for (const [node, value] of [[from, params.from], [to, params.to]])
			node.value = Number.isNaN(Date.parse(value)) ? '' : localInput(value);
		span.hidden = !params.from;
		list.show(Object.fromEntries(FILTERS.map((f) => [f, params[f]])));
	};

	show();
	return { node: h('section', { 'aria-label': 'Deliveries' },
	    h('h2.between', null, 'Deliveries'),
	    h('div.filters', null, h('label', null, 'Status', status),
		h('label', null, 'After', from), h('label', null, 'Before', to)),
	    h('div.buttons.above', null, h('button', { type: 'button', onclick: () =>
		    replay('Send everything that did not arrive?', { missing: true }) },
	    'Send what is missing'), span), list.node), update: (next) => {
		params = next;
		show();
	}, show };
}

export function
mount(root, first)
{
	let params = first;
	let endpoint = null;
	let log = null;
	const place = h('div');
	const once = h('div');
	const path = () => `${ENDPOINTS}/${params.id}`;
	const test = async (button, said) => {
		button.disabled = true;
		fill(said);
		try {
			const answer = await api.post(`${path()}/test`);
			fill(said, answer.delivered ? h('div.said.good', { role: 'status' },
			    icon('check'), h('p', null, ['Delivered', answer.status &&
				`answered ${answer.status}`, took(answer.durationMs)]
				.filter(Boolean).join(', '))) :
			    h('div.said.bad', { role: 'alert' }, icon('alert'), h('p', null,
				errorWords(answer))));
		} catch (problem) {
			fail(problem);
		}
		button.disabled = false;
	};
	const rotate = async () => {
		if (!(await ask({ title: 'Create a new secret?',
		    text: 'For a day, deliveries carry signatures of both secrets.',
		    yes: 'New secret' })))
			return;
		try {
			fill(once, secretOnce((await api.post(`${path()}/rotate`)).secret));
		} catch (problem) {
			fail(problem);
		}
	};
	const remove = async () => {
		if (!(await ask({ title: 'Delete this endpoint?',
		    text: 'Its deliveries and their log go too.', yes: 'Delete', danger: true })))
			return;
		try {
			await api.delete(path());
			toast('Endpoint deleted');
			go('webhooks', { tab: 'endpoints' });
		} catch (problem) {
			fail(problem);
		}
	};
	const draw = () => {
		const said = h('div');
		const testButton = h('button', { type: 'button',
		    onclick: () => test(testButton, said) }, 'Send a test');
		const why = !endpoint.enabled && OFF[endpoint.offReason];

		fill(place, h('div.toolbar', null, h('h1.address', null, `${endpoint.origin}/…`),
		    endpointPill(endpoint)), once,
		why ? h('div.said.bad', null, icon('alert'),
		    h('p', null, why)) : null,
		said, h('div.buttons.above', null, testButton,
		    h('button', { type: 'button', onclick: rotate }, 'New secret'),
		    h('button', { type: 'button', onclick: remove }, icon('trash'), 'Delete')),
		log.node,
		h('div.panels', null, h('section.panel', { 'aria-label': 'Settings' },
		    h('h2', null, 'Settings'), endpointForm({ endpoint, done: (now) => {
			endpoint = now;
			toast('Saved');
			draw();
		} }).node)));
	};
	const load = async () => {
		fill(place, h('div.skeleton.line'));
		try {
			endpoint = await api.get(path(), null, { patient: true });
			log = deliveries(path(), params);
			draw();
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	fill(root, h('p.crumb', null, h('a', { href: link('webhooks', { tab: 'endpoints' }) },
	    icon('left'), 'Outgoing webhooks')), place);
	load();
	return {
		title: () => 'Endpoint',
		update(next) {
			const same = next.id === params.id;
			params = next;
			if (!same)
				load();
			else
				log?.update(params);
		},
		unmount() {},
	};
}
