/* The person's own account: profile, password, two-step verification, sessions, API tokens. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { ago, deviceName, fullTime } from '../lib/format.js';
import { ROLES, TIERS } from '../lib/rights.js';
import { can, me } from '../lib/session.js';
import { ask } from '../ui/dialog.js';
import { factorPanel } from '../ui/factor.js';
import { Form, notice } from '../ui/form.js';
import { meter, quotaWords } from '../ui/meter.js';
import { monthsPanel } from '../ui/months.js';
import { plexPanel } from '../ui/plex-link.js';
import { prove } from '../ui/proof.js';
import { fail, toast } from '../ui/toast.js';
import { tokensPanel } from '../ui/tokens.js';

const timeZones = () => Intl.supportedValuesOf?.('timeZone') ?? [];

function
profilePanel()
{
	const { user } = me;
	const { node, inputs } = Form({
		fields: [
			{ name: 'displayName', label: 'Display name', value: user.displayName,
			    required: true, maxlength: '100', autocomplete: 'name' },
			{ name: 'email', label: 'Email', type: 'email', value: user.email,
			    required: true, maxlength: '254', autocomplete: 'email' },
			{ name: 'timeZone', label: 'Time zone', value: user.timeZone,
			    maxlength: '64', list: 'time-zones', autocomplete: 'off',
			    hint: 'For photos that do not say in which zone they were taken, ' +
			    'from the next upload on.' },
		],
		extra: h('datalist', { id: 'time-zones' }, timeZones().map((value) =>
		    h('option', { value }))),
		yes: 'Save',
		run: async ({ displayName, email, timeZone }) => {
			const change = {
				...(displayName !== me.user.displayName ? { displayName } : {}),
				...(email !== me.user.email ? { email } : {}),
				...(timeZone && timeZone !== me.user.timeZone ? { timeZone } : {}),
			};

			if (!change.email)
				return api.patch('/users/me', change);
			return (await prove({ title: 'Change your email address?', yes: 'Change',
			    text: `Your new address will be ${email}.`,
			    run: (proof) => api.patch('/users/me', { ...change, ...proof },
				{ proves: true }) }))?.answer;
		},
		done: (now, { email }) => {
			if (!now)
				return;
			Object.assign(me.user, now);
			inputs.email.value = now.email;
			inputs.timeZone.value = now.timeZone ?? '';
			toast(now.email.toLowerCase() === email.toLowerCase() ? 'Saved' :
			    `Check your email: we sent a link to ${email}. ` +
			    'Your new address is used once you confirm it.');
		},
	});

	if (!can('profile.edit'))
		node.querySelectorAll('input, button').forEach((one) => one.setAttribute('disabled',
		    ''));
	return h('section.panel', { 'aria-label': 'Profile' }, h('h2', null, 'Profile'),
	    h('p', null, h('span.pill.on', null, ROLES[user.role] ?? user.role), ' ',
		user.tier === 'premium' ? h('span.pill', null, TIERS.premium) : null),
	    node);
}

function
passwordPanel(changed)
{
	const form = Form({
		fields: [
			{ name: 'current', label: 'Current password', type: 'password',
			    autocomplete: 'current-password', required: true, maxlength: '256' },
			{ name: 'password', label: 'New password', type: 'password',
			    autocomplete: 'new-password', required: true, minlength: '8',
			    maxlength: '256', hint: 'At least 8 characters' },
			{ name: 'revokeTokens', label: 'Revoke my API tokens as well',
			    type: 'checkbox' },
		],
		before: h('input', { type: 'text', autocomplete: 'username', value: me.user.email,
		    hidden: true, 'aria-label': 'Email', readonly: true }),
		yes: 'Change password',
		run: (values) => api.post('/auth/password', values, { proves: true }),
		done: () => {
			form.node.reset();
			toast('Password changed. You are signed out everywhere else.');
			changed();
		},
	});

	return h('section.panel', { 'aria-label': 'Password' }, h('h2', null, 'Password'),
	    form.node);
}

function
sessionsPanel()
{
	const list = h('ul.rows');
	const others = h('button', { type: 'button', hidden: true, onclick: async () => {
		if (!(await ask({ title: 'Sign out everywhere else?',
		    text: 'You will have to sign in again on your other devices.', yes: 'Sign out',
		    danger: true })))
			return;
		await end('/auth/sessions');
	} }, 'Sign out everywhere else');
	const end = async (path) => {
		try {
			await api.delete(path);
			await load();
		} catch (problem) {
			fail(problem);
		}
	};
	const row = (session) => h('li.line', null,
	    h('div.grow', null, h('strong', { title: session.device }, deviceName(session.device)),
		h('small', null, `${session.address} · last used `,
		    h('time', { datetime: session.lastUsedAt, title: fullTime(session.lastUsedAt) },
			ago(session.lastUsedAt)))),
	session.current ? h('span.pill.good', null, 'This device') : h('button.small',
	    { type: 'button', 'aria-label': `Sign out ${deviceName(session.device)}`,
		onclick: () => end(`/auth/sessions/${session.id}`) },
	    'Sign out'));
	const load = async () => {
		try {
			const { items } = await api.get('/auth/sessions', null, { patient: true });
			fill(list, items.map(row));
			others.hidden = items.length < 2;
		} catch (problem) {
			fill(list, h('li', null, notice(problem, load)));
		}
	};

	fill(list, h('li', null, h('div.skeleton.line')));
	load();
	return { load, node: h('section.panel', { 'aria-label': 'Sessions' },
	    h('h2', null, 'Where you are signed in'), list, others) };
}

/* What the person's own files use, and may use. */
function
storagePanel()
{
	const place = h('div.panel-part', null, h('div.skeleton.line'));
	const load = async () => {
		try {
			const { storage: { usedBytes: used, quotaBytes: quota } } =
			    await api.get('/users/me', null, { patient: true });
			const words = quotaWords(used, quota);

			fill(place, h('p.figure', null, words), quota === null ?
			    h('p', null, 'There is no limit.') : [meter(used, quota, words),
				used > quota ? h('p', null, 'Delete something to upload again.') :
				    null]);
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	load();
	return h('section.panel', { 'aria-label': 'Storage' }, h('h2', null, 'Storage'), place);
}

export function
mount(root)
{
	const sessions = sessionsPanel();
	let tokens = tokensPanel();
	const changed = () => {
		const now = tokensPanel();

		sessions.load();
		tokens.replaceWith(now);
		tokens = now;
	};

	fill(root, h('h1', null, 'Account'), h('div.panels', null, profilePanel(),
	    passwordPanel(changed), factorPanel(), plexPanel(), sessions.node, tokens,
	    storagePanel(), monthsPanel()));
	return {
		update() {},
		unmount() {},
	};
}
