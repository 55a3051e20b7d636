/*
 * Whose items are shown: the person's library (theirs, shared with them, and the house's), or
 * everyone's, for people who manage them.
 */
import { h, icon } from '../lib/dom.js';
import { goHere } from '../lib/router.js';
import { can } from '../lib/session.js';

export const scopeOf = (params) => (params.scope === 'everyone' && can('media.manage_all') ?
    'everyone' : 'library');

/* A switch in a view's bar; null for people who have nothing to switch. */
export function
everyoneButton()
{
	let on = false;
	const node = h('button.chip.scope', { type: 'button', 'aria-label': 'Everyone’s items',
	    title: 'Everyone’s items', 'aria-pressed': 'false',
	    onclick: () => goHere({ scope: on ? null : 'everyone' }) },
	icon('people'), h('span', null, 'Everyone’s'));

	return can('media.manage_all') ? { node, show: (params) => {
		on = scopeOf(params) === 'everyone';
		node.setAttribute('aria-pressed', String(on));
	} } : null;
}
