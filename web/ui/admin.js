/* What the administration pages share: their navigation and paged lists. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { notice } from './form.js';

const PAGES = [['dashboard', 'Dashboard', 'users.manage'], ['alerts', 'Alerts', 'users.manage'],
    ['jobs', 'Jobs', 'users.manage'], ['storage', 'Storage', 'users.manage'],
    ['processes', 'Processes', 'users.manage'], ['users', 'People', 'users.manage'],
    ['roles', 'Roles', 'system.settings'],
    ['settings', 'Settings', 'system.settings'], ['audit', 'Audit log', 'users.manage'],
    ['integrations', 'Integrations', 'integrations.view'],
    ['webhooks', 'Webhooks', 'webhooks.manage']];

export function
adminNav(here)
{
	const pages = PAGES.filter(([, , permission]) => can(permission));

	const nav = h('nav.sub-nav', { 'aria-label': 'Administration' },
	    pages.map(([name, text]) =>
		h('a', { href: link(name), 'aria-current': name === here ? 'page' : null }, text)));

	/* on a phone the row is longer than the screen */
	requestAnimationFrame(() => nav.querySelector('[aria-current]')?.scrollIntoView(
	    { block: 'nearest', inline: 'center' }));
	return pages.length < 2 ? null : nav;
}

/*
 * row(item) returns a li; seen(answer) is called with each first page. Returns
 * {node, show(filters)}; show() starts the list over.
 */
export function
pagedList({ path, limit, row, none, seen })
{
	const list = h('ol.board');
	const tail = h('div');
	let turn = 0;
	const load = (query, cursor, mine) => {
		/* one function for all tries: notice() counts them by it */
		const run = async () => {
			fill(tail, Array.from({ length: 3 }, () => h('div.skeleton.line')));
			try {
				const answer = await api.get(path, { ...query, limit, cursor },
				    { patient: true });
				if (mine !== turn)
					return;
				if (!cursor)
					seen?.(answer);
				take(answer, query, mine);
			} catch (problem) {
				if (mine === turn)
					fill(tail, notice(problem, run));
			}
		};

		return run();
	};
	const take = ({ items, page }, query, mine) => {
		list.append(...items.map(row));
		fill(tail, page.nextCursor ?
		    h('button', { type: 'button',
			onclick: () => load(query, page.nextCursor, mine) }, 'Show more') : null,
		    list.children.length ? null : h('div.empty', null, h('h2', null, none)));
	};

	return { node: h('div', null, list, tail), list, show: (query) => {
		fill(list);
		load(query, null, ++turn);
	} };
}
