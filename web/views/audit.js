/* Who did what, newest first. */
import { debounce, fill, h } from '../lib/dom.js';
import { fullTime, localInput } from '../lib/format.js';
import { goHere, link } from '../lib/router.js';
import { adminNav, pagedList } from '../ui/admin.js';
import { options } from '../ui/form.js';

const PAGE = 50;
const TYPING_MS = 400;
const FILTERS = ['actor', 'action', 'target', 'from', 'to'];

/* what is asked for most, by the start of an action */
const OFTEN = [['', 'Everything'], ['user.sign_in_failed', 'Failed sign-ins'], ['user.', 'People'],
    ['settings.', 'Settings'], ['token.', 'API tokens'], ['media_server.', 'Media servers'],
    ['webhook_', 'Webhooks'], ['job', 'Jobs'], ['request.', 'Requests']];
const words = (value) => (value !== null && typeof value === 'object' ? JSON.stringify(value) :
    String(value));

function
row(entry)
{
	const fact = (name, value) => (value ? [h('dt', null, name), h('dd', null, value)] : null);

	return h('li', null, h('details', null,
	    h('summary', null,
		h('span.grow', null, h('strong', null, entry.summary),
		    h('small', null, entry.action)),
		h('time', { datetime: entry.at }, fullTime(entry.at))),
	    h('div.inside', null,
		h('dl.facts-list', null,
		    Object.entries(entry.detail ?? {})
			.map(([name, value]) => fact(name, words(value))),
		    fact('Account', entry.actorId ? entry.actor : null),
		    fact('Target',
			entry.targetId ? `${entry.targetName ?? entry.targetType ?? ''} (${
			    entry.targetId})` : null),
		    fact('IP address', entry.address), fact('Request', entry.requestId)),
		h('div.buttons', null,
		    entry.actorId ?
			h('a.button', { href: link('audit', { actor: entry.actorId }) },
			    'Only this person') : null,
		    entry.targetId ?
			h('a.button', { href: link('audit', { target: entry.targetId }) },
			    'Only this target') : null,
		    h('a.button', { href: link('audit', { action: entry.action }) },
			'Only this action')))));
}

export function
mount(root, first)
{
	let params = first;
	const list = pagedList({ path: '/admin/audit', limit: PAGE, row, none: 'No matches' });
	const typed = debounce(
	    () => goHere({ action: action.value.trim() || null }, { replace: true }), TYPING_MS);
	const action = h('input', { type: 'search', maxlength: '64', placeholder: 'user.created',
	    oninput: typed });
	const often = h('select', { onchange: ({ target }) =>
	    goHere({ action: target.value || null }) }, options(OFTEN, ''));
	const when = (name) => h('input', { type: 'datetime-local', onchange: ({ target }) =>
	    goHere({ [name]: target.value ? new Date(target.value).toISOString() : null }) });
	const from = when('from');
	const to = when('to');
	const all = h('a.button', { href: link('audit') }, 'Show all');
	const show = () => {
		if (document.activeElement !== action)
			action.value = params.action ?? '';
		often.value = OFTEN.some(([what]) => what === params.action) ? params.action : '';
		for (const [node, value] of [[from, params.from], [to, params.to]])
			node.value = Number.isNaN(Date.parse(value)) ? '' : localInput(value);
		all.hidden = !FILTERS.some((f) => params[f]);
		list.show(Object.fromEntries(FILTERS.map((f) => [f, params[f]])));
	};

	fill(root, adminNav('audit'), h('h1', null, 'Audit log'),
	    h('div.filters', null, h('label', null, 'About', often),
		h('label', null, 'Action', action),
		h('label', null, 'From', from), h('label', null, 'To', to), all),
	    list.node);
	show();
	return {
		update(next) {
			params = next;
			show();
		},
		unmount() {
			typed.cancel();
		},
	};
}
