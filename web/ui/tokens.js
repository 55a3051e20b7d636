/* The person's API tokens: created, shown once, listed, revoked. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { ago, dayOf, fullTime } from '../lib/format.js';
import { PERMISSIONS } from '../lib/rights.js';
import { can } from '../lib/session.js';
import { ask } from './dialog.js';
import { copyable, Form, notice } from './form.js';
import { fail } from './toast.js';

const LIVES = [['30', '30 days'], ['90', '90 days'], ['365', '1 year'], ['', 'Never']];
const DAY_MS = 86400000;
const inDays = (days) => new Date(Date.now() + days * DAY_MS).toISOString();

export function
tokensPanel()
{
	const list = h('ul.rows');
	const once = h('div', { role: 'status' });
	const scopes = Object.keys(PERMISSIONS).filter(can).map((value) => h('input',
	    { type: 'checkbox', name: 'scope', value, checked: value === 'media.read' }));
	const make = h('button', { type: 'button', onclick: () => {
		form.hidden = false;
		make.hidden = true;
		form.querySelector('input').focus();
	} }, 'Create a token');
	const load = async () => {
		fill(list, h('li', null, h('div.skeleton.line')));
		try {
			const { items } = await api.get('/auth/tokens', null, { patient: true });
			fill(list, items.map(row),
			    items.length ? null : h('li.muted', null, 'No API tokens yet.'));
		} catch (problem) {
			fill(list, h('li', null, notice(problem, load)));
		}
	};
	const row = (token) => h('li.line', null, h('div.grow', null, h('strong', null, token.name),
	    h('small', null,
		`…${token.hint} · ${token.scopes.map((s) => PERMISSIONS[s] ?? s).join(', ')}`),
	    h('small', null,
		token.lastUsedAt ?
		    ['Last used ',
			h('time', { datetime: token.lastUsedAt, title: fullTime(token.lastUsedAt) },
			    ago(token.lastUsedAt))] : 'Never used',
		token.expiresAt ? ` · expires on ${dayOf(token.expiresAt)}` : ' · never expires')),
	h('button.small', { type: 'button', 'aria-label': `Revoke ${token.name}`,
	    onclick: async () => {
		if (!(await ask({ title: `Revoke “${token.name}”?`,
		    text: 'Programs that use this token lose access immediately.', yes: 'Revoke',
		    danger: true })))
			return;
		try {
			await api.delete(`/auth/tokens/${token.id}`);
			load();
		} catch (problem) {
			fail(problem);
		}
	} }, 'Revoke'));
	const form = Form({
		fields: [
			{ name: 'name', label: 'Name', hint: 'What the token is for',
			    required: true, maxlength: '100' },
			{ name: 'days', label: 'Expires after', options: LIVES, value: '90' },
		],
		extra: h('fieldset.checks', null, h('legend', null, 'Permissions'),
		    scopes.map((box) => h('label.check', null, box, PERMISSIONS[box.value]))),
		yes: 'Create',
		run: ({ name, days }) => api.post('/auth/tokens', {
			name,
			scopes: scopes.filter((box) => box.checked).map((box) => box.value),
			...(days ? { expiresAt: inDays(days) } : {}),
		}),
		done: ({ token }) => {
			form.hidden = true;
			make.hidden = false;
			fill(once, h('div.once', null,
			    h('p', null, 'Copy this token now. It is not shown again.'),
			    copyable(token, 'New token')));
			load();
		},
	}).node;

	form.hidden = true;
	load();
	return h('section.panel', { 'aria-label': 'API tokens' }, h('h2', null, 'API tokens'),
	    h('p', null, 'For programs that act on your behalf.'), once, list, make, form);
}
