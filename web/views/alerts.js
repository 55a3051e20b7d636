/* What the house has warned of: open alerts and those that are over. */
import { on } from '../lib/bus.js';
import { fill, h } from '../lib/dom.js';
import { goHere } from '../lib/router.js';
import { adminNav, pagedList } from '../ui/admin.js';
import { alertRow } from '../ui/alert-row.js';

const PAGE = 25;
const STATES = [['raised', 'Open'], ['cleared', 'Over'], ['', 'All']];

export function
mount(root, first)
{
	let params = first;
	const list = pagedList({ path: '/admin/alerts', limit: PAGE,
	    row: alertRow, none: 'Nothing to report' });
	const state = () => params.state ?? 'raised';
	const buttons = STATES.map(([value, text]) => h('button', { type: 'button',
	    'data-state': value, onclick: () => goHere({ state: value || 'all' }) }, text));
	const show = () => {
		const now = state() === 'all' ? '' : state();

		buttons.forEach((b) =>
		    b.setAttribute('aria-pressed', String(b.dataset.state === now)));
		list.show({ state: now || null });
	};
	const offs = [
		on('resync', () => show()),
		on('server-event', ({ type }) => /^alert\./.test(type) && show()),
	];

	fill(root, adminNav('alerts'), h('div.toolbar', null, h('h1', null, 'Alerts'),
	    h('div.segments', { role: 'group', 'aria-label': 'Which alerts' }, buttons)),
	list.node);
	show();
	return {
		update(next) {
			params = next;
			show();
		},
		unmount() {
			offs.forEach((off) => off());
		},
	};
}
