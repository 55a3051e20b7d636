/* What came in: filters, payloads, and running events again. */
import { api } from '../lib/api.js';
import { debounce, fill, h } from '../lib/dom.js';
import { ago, fullTime, localInput, many } from '../lib/format.js';
import { goHere, link } from '../lib/router.js';
import { pagedList } from './admin.js';
import { ask } from './dialog.js';
import { options } from './form.js';
import { fail, toast } from './toast.js';

const PATH = '/webhooks/events';
const PAGE = 50;
const TYPING_MS = 400;
const FILTERS = ['status', 'source', 'type', 'from', 'to'];
export const EVENT_STATES = {
	received: ['Waiting', 'on'], processed: ['Processed', 'good'],
	ignored: ['Ignored', 'on'], failed: ['Failed', 'bad'], dead: ['Given up', 'bad'],
};
const SOURCES = { plex: 'Plex', overseerr: 'Overseerr', generic: 'Other' };

/* Masked on the server: no secret is in it. */
const payloadText = (payload) => (typeof payload === 'string' ? payload :
    JSON.stringify(payload, null, 2));

function
row(first)
{
	const summary = h('summary');
	const inside = h('div.inside');
	const draw = (event) => {
		const [word, tone] = EVENT_STATES[event.status] ?? [event.status, 'on'];

		fill(summary, h('span.grow', null, h('strong', null, event.type || 'Unknown event'),
		    h('small', null, [event.sourceName ?? SOURCES[event.source],
			event.attempts > 1 && many(event.attempts, 'attempt')]
			.filter(Boolean).join(' · '))),
		h('time', { datetime: event.receivedAt, title: fullTime(event.receivedAt) },
		    ago(event.receivedAt)), h(`span.pill.${tone}`, null, word));
	};
	const open = async () => {
		fill(inside, h('div.skeleton.line'));
		try {
			show(await api.get(`${PATH}/${first.id}`));
		} catch (problem) {
			fill(inside, h('p.field-error', { role: 'alert' }, problem.message));
		}
	};
	const show = (event) => {
		draw(event);
		fill(inside, event.error ? h('p.form-error', null,
		    h('span', null, event.error)) : null,
		h('dl.facts-list', null, h('dt', null, 'Received'),
		    h('dd', null, fullTime(event.receivedAt)),
		    event.processedAt ? [h('dt', null, 'Processed'),
			h('dd', null, fullTime(event.processedAt))] : null),
		event.payload === undefined || event.payload === null ? null :
		    h('pre.payload', { tabindex: '0', 'aria-label': 'Payload' },
			payloadText(event.payload)),
		h('div.buttons', null, h('button', { type: 'button', onclick: async () => {
			try {
				await api.post(`${PATH}/${event.id}/replay`);
				toast('Queued again');
				open();
			} catch (problem) {
				fail(problem);
			}
		} }, 'Run again'), h('a.button', { href: link('webhooks',
		    { tab: 'inbox', type: event.type }) }, 'Only this type')));
	};
	const details = h('details', { ontoggle: () => details.open && !inside.firstChild &&
	    open() }, summary, inside);

	draw(first);
	return h('li', { 'data-event': first.id }, details);
}

export function
inboxTab(place, first)
{
	let params = first;
	const list = pagedList({ path: PATH, limit: PAGE, row,
	    none: 'No events' });
	const typed = debounce(() => goHere({ type: type.value.trim() || null },
	    { replace: true }), TYPING_MS);
	const type = h('input', { type: 'search', maxlength: '100', placeholder: 'library.new',
	    oninput: typed });
	const choice = (name, table) => h('select', { onchange: ({ target }) =>
	    goHere({ [name]: target.value || null }) }, options([['', 'All'],
	    ...Object.entries(table).map(([value, words]) =>
		[value, Array.isArray(words) ? words[0] : words])], params[name] ?? ''));
	const status = choice('status', EVENT_STATES);
	const source = choice('source', SOURCES);
	const when = (name) => h('input', { type: 'datetime-local', onchange: ({ target }) =>
	    goHere({ [name]: target.value ? new Date(target.value).toISOString() : null }) });
	const from = when('from');
	const to = when('to');
	const all = h('a.button', { href: link('webhooks', { tab: 'inbox' }) }, 'Show all');
	const replay = async (title, body) => {
		if (!(await ask({ title, text: 'Each event has its effect once, even if it runs ' +
		    'again.', yes: 'Run again' })))
			return;
		try {
			const answer = await api.post(`${PATH}/replay`, body);
			toast(`${many(answer.replayed, 'event')} queued again` +
			    (answer.more ? '. There are more: run them again later.' : ''));
			show();
		} catch (problem) {
			fail(problem);
		}
	};
	const failed = h('button', { type: 'button', onclick: () =>
		replay('Run all failed events again?', { status: 'failed',
		    ...(params.from ? { from: params.from } : {}),
		    ...(params.to ? { to: params.to } : {}) }) }, 'Run failed ones again');
	const span = h('button', { type: 'button', onclick: () =>
		replay('Run all events of this time again?', {
			...(params.from ? { from: params.from } : {}),
			...(params.to ? { to: params.to } : {}),
			...(params.status ? { status: params.status } : {}),
		}) }, 'Run this time again');
	const show = () => {
		if (document.activeElement !== type)
			type.value = params.type ?? '';
		status.value = params.status ?? '';
		source.value = params.source ?? '';
		for (const [node, value] of [[from, params.from], [to, params.to]])
			node.value = Number.isNaN(Date.parse(value)) ? '' : localInput(value);
		all.hidden = !FILTERS.some((f) => params[f]);
		span.hidden = !params.from && !params.to;
		list.show(Object.fromEntries(FILTERS.map((f) => [f, params[f]])));
	};

	fill(place, h('div.filters', null, h('label', null, 'Status', status),
	    h('label', null, 'From', source), h('label', null, 'Type', type),
	    h('label', null, 'After', from), h('label', null, 'Before', to), all),
	h('div.buttons.above', null, failed, span), list.node);
	show();
	return { update: (next) => {
		params = next;
		show();
	}, stop: typed.cancel };
}
