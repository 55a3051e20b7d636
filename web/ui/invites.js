/* Invitations that can still be used: a paged list, each with a button that revokes it. */
import { api } from '../lib/api.js';
import { h, icon } from '../lib/dom.js';
import { ago, fullTime } from '../lib/format.js';
import { ROLES, TIERS } from '../lib/rights.js';
import { pagedList } from './admin.js';
import { ask } from './dialog.js';
import { fail, toast } from './toast.js';

const PAGE = 25;

async function
revoke(invite, item)
{
	const whom = invite.email ? `for ${invite.email}` : `by ${invite.createdByName}`;

	if (!(await ask({ title: `Revoke the invitation ${whom}?`,
	    text: 'Its link stops working at once.', yes: 'Revoke', danger: true })))
		return;
	try {
		await api.delete(`/users/invites/${invite.id}`);
		item.remove();
		toast('Invitation revoked');
	} catch (problem) {
		fail(problem);
	}
}

function
row(invite)
{
	const item = h('li', { 'data-invite': invite.id }, h('div.line', null,
	    h('span.grow', null, h('strong', null, invite.email ?? 'Anyone with the link'),
		h('small', { title: fullTime(invite.createdAt) },
		    `by ${invite.createdByName}, expires ${ago(invite.expiresAt)}`)),
	    invite.tier === 'premium' ? h('span.pill', null, TIERS.premium) : null,
	    h('span.pill.on', null, ROLES[invite.role] ?? invite.role),
	    h('button', { type: 'button', onclick: () => revoke(invite, item) }, icon('trash'),
		'Revoke')));

	return item;
}

export function
openInvites()
{
	const list = pagedList({ path: '/users/invites', limit: PAGE, row,
	    none: 'No open invitations' });

	list.show({});
	return list.node;
}
