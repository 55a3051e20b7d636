/* People who have an account; invitations. */
import { api } from '../lib/api.js';
import { debounce, fill, h, icon, iconButton } from '../lib/dom.js';
import { ago, fullTime } from '../lib/format.js';
import { ROLES, STATES, TIERS } from '../lib/rights.js';
import { goHere, link } from '../lib/router.js';
import { can, me } from '../lib/session.js';
import { adminNav, pagedList } from '../ui/admin.js';
import { ask } from '../ui/dialog.js';
import { copyable, Form, options } from '../ui/form.js';
import { openInvites } from '../ui/invites.js';
import { quotaWords } from '../ui/meter.js';
import { quotaForm } from '../ui/quota.js';
import { fail, toast } from '../ui/toast.js';

const PAGE = 50;
const TYPING_MS = 300;
const FILTERS = ['q', 'role', 'tier', 'status'];
/* A role above one's own is not offered: the server would refuse it. */
const ranks = Object.keys(ROLES);
const givable = () => Object.entries(ROLES).filter(([role]) => ranks.indexOf(role) <=
    ranks.indexOf(me.user.role));
const RIGHTS = () => [{ name: 'role', label: 'Role', options: givable(), value: 'user' },
    { name: 'tier', label: 'Tier', options: Object.entries(TIERS), value: 'standard' }];

async function
remove(user, done)
{
	let others = [];
	try {
		const { items } = can('media.manage_all') ?
		    await api.get('/users', { status: 'active', limit: 100 }) : { items: [] };
		others = items.filter((one) => one.id !== user.id);
	} catch (problem) {
		fail(problem);
		return;
	}
	const give = (one) => [one.id, `Give their items to ${one.displayName} (${one.email})`];
	const to = h('select', { 'aria-label': 'What happens to the items' },
	    options([['', 'Move their items to trash'], ...others.map(give)], ''));
	const choice = await ask({ title: `Delete ${user.displayName}?`,
	    text: 'You can’t restore the account.', body: to, value: () => ({ to: to.value }),
	    yes: 'Delete', danger: true });

	if (!choice)
		return;
	try {
		await api.delete(`/users/${user.id}`,
		    choice.to ? { items: 'transfer', to: choice.to } : { items: 'trash' });
		toast(`${user.displayName} deleted`);
		done();
	} catch (problem) {
		fail(problem);
	}
}

function
row(first)
{
	let user = first;
	const summary = h('summary');
	const inside = h('div.inside');
	const details = h('details',
	    { ontoggle: () => details.open && !inside.firstChild && edit() }, summary, inside);
	const item = h('li', { 'data-user': first.id }, details);
	const draw = () => fill(summary,
	    h('span.grow', null, h('strong', null, user.displayName), h('small', null, user.email)),
	    user.status === 'disabled' ? h('span.pill.bad', null, STATES.disabled) : null,
	    user.tier === 'premium' ? h('span.pill', null, TIERS.premium) : null,
	    h('span.pill.on', null, ROLES[user.role] ?? user.role));
	const edit = () => {
		const roles = givable().some(([role]) => role === user.role) ? givable() :
		    Object.entries(ROLES);
		const form = Form({
			fields: [
				{ name: 'role', label: 'Role', options: roles, value: user.role,
				    disabled: user.id === me.user.id },
				{ name: 'tier', label: 'Tier', options: Object.entries(TIERS),
				    value: user.tier },
				{ name: 'status', label: 'Status', options: Object.entries(STATES),
				    value: user.status },
			],
			yes: 'Save',
			run: (values) => api.patch(`/users/${user.id}`,
			    Object.fromEntries(Object.entries(values).filter(([name, value]) =>
				value !== user[name]))),
			done: (now) => {
				user = now;
				draw();
				toast('Saved');
			},
		});
		const unlock = user.totpEnabled ?
		    h('button', { type: 'button', onclick: async () => {
			const sure = await ask({
				title: `Remove ${user.displayName}’s two-step verification?`,
				text: 'Do this when they have lost their phone. ' +
				    'They can then sign in with their password only. ' +
				    'This signs them out on all devices ' +
				    'and revokes their API tokens.',
				yes: 'Remove', danger: true,
			});
			if (!sure)
				return;
			try {
				await api.delete(`/users/${user.id}/totp`);
				unlock.remove();
				toast('Two-step verification removed');
			} catch (problem) {
				fail(problem);
			}
		} }, 'Remove two-step verification') : null;

		const own = user.storage?.ownQuota;
		const allowed = user.storage?.quotaBytes ?? null;
		const quota = quotaForm({ userId: user.id, quotaDefault: own ? null : allowed ?? 0,
		    quota: own ? allowed : null, done: (_, now) => {
			    user = now;
			    edit();
		    } });

		fill(inside,
		    h('p.muted', null, `Joined ${fullTime(user.createdAt)} · `,
			user.lastLoginAt ? `last signed in ${ago(user.lastLoginAt)}` :
			    'never signed in'),
		    form.node, user.storage ? [h('p', null, `Uses ${quotaWords(
			user.storage.usedBytes, user.storage.quotaBytes)}.`), quota] : null,
		    h('div.buttons', null, unlock,
			h('a.button', { href: link('audit', { actor: user.id }) }, 'Audit log'),
			user.id === me.user.id ? null : h('button',
			    { type: 'button', onclick: () => remove(user, () => item.remove()) },
			    icon('trash'), 'Delete')));
	};

	draw();
	return item;
}

export function
mount(root, first)
{
	let params = first;
	const list = pagedList({ path: '/users', limit: PAGE, row, none: 'No matches' });
	const show = () => list.show(Object.fromEntries(FILTERS.map((f) => [f, params[f]])));
	const search = debounce(() => goHere({ q: q.value.trim() || null }, { replace: true }),
	    TYPING_MS);
	const q = h('input', { type: 'search', value: params.q ?? '', maxlength: '100',
	    oninput: search });
	const filter = (name, label, table) => h('label', null, label, h('select',
	    { onchange: ({ target }) => goHere({ [name]: target.value || null }) },
	    options([['', 'All'], ...Object.entries(table)], params[name] ?? '')));
	const place = h('div', { role: 'status' });
	let opener = null;
	const close = () => {
		fill(place);
		opener?.focus();
	};
	const fold = (title, ...nodes) => {
		if (!place.contains(document.activeElement))
			opener = document.activeElement;
		fill(place, h('div.panels', null, h('section.panel', null, h('div.panel-head', null,
		    h('h2', null, title), iconButton('close', 'Close', close)), nodes)));
	};
	const invite = () => {
		const rule = h('p', null, 'The link works for one person, for seven days.');

		fold('Invite someone', rule, Form({
			fields: [
				{ name: 'email', label: 'Email', type: 'email', maxlength: '254',
				    hint: 'Optional. Without it, anyone with the link can join.' },
				...RIGHTS(),
			],
			yes: 'Invite',
			run: ({ email, ...rest }) => api.post('/users', { invite: true,
			    ...(email ? { email } : {}), ...rest }),
			done: ({ url, email }) => fold('Invitation link', h('div.once', null,
			    h('p', null,
				email ? `For ${email}.` : 'Anyone with this link can join.'),
			    copyable(url, 'Invitation link'))),
		}).node);
		place.querySelector('input').focus();
	};
	const create = () => {
		fold('New account', Form({
			fields: [
				{ name: 'displayName', label: 'Display name', required: true,
				    maxlength: '100', autocomplete: 'off' },
				{ name: 'email', label: 'Email', type: 'email', required: true,
				    maxlength: '254', autocomplete: 'off' },
				{ name: 'password', label: 'Password', type: 'password',
				    autocomplete: 'new-password', required: true, minlength: '8',
				    maxlength: '256' },
				...RIGHTS(),
			],
			yes: 'Create',
			run: (values) => api.post('/users', values),
			done: (user) => {
				fill(place);
				toast(`${user.displayName} can now sign in`);
				show();
			},
		}).node);
		place.querySelector('input').focus();
	};

	fill(root, adminNav('users'),
	    h('div.toolbar', null, h('h1', null, 'People'), h('div.buttons', null,
		h('button', { type: 'button', onclick: () => fold('Open invitations',
		    openInvites()) }, 'Invitations'),
		h('button', { type: 'button', onclick: create }, 'New account'),
		h('button.primary', { type: 'button', onclick: invite }, 'Invite'))),
	    place,
	    h('div.filters', null, h('label', null, 'Name or email', q),
		filter('role', 'Role', ROLES), filter('tier', 'Tier', TIERS),
		filter('status', 'Status', STATES)),
	    list.node);
	show();
	return {
		update(next) {
			params = next;
			show();
		},
		unmount() {
			search.cancel();
		},
	};
}
