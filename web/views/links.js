/* All public links of the person. */
import { links } from '../lib/links.js';
import { fill, h, icon } from '../lib/dom.js';
import { notice } from '../ui/form.js';
import { linkRow } from '../ui/link-row.js';

export function
mount(root)
{
	const place = h('div');
	const more = h('div');
	let list = null;
	const empty = () => fill(place, h('div.empty', null, icon('link'),
	    h('h2', null, 'No public links yet'),
	    h('p', null, 'Open an item or an album, or select items, and choose “Public link”.')));
	const row = (link) => {
		const node = linkRow(link, { named: true, gone: () => {
			node.remove();
			if (!list.children.length && !more.children.length)
				empty();
		} });

		return node;
	};
	const load = async (cursor = null) => {
		const again = () => load(cursor);

		try {
			const { items, next, enabled } = await links({}, cursor);

			list ??= h('ul.rows');
			list.append(...items.map(row));
			if (!list.children.length) {
				empty();
				return;
			}
			fill(place, enabled ? null : h('p.muted', { role: 'status' },
			    'Public links are switched off on this server: these show nothing.'),
			h('section.panel', { 'aria-label': 'Public links' }, list));
			fill(more, next ? h('button', { type: 'button', onclick: () => load(next) },
			    'Show more') : null);
		} catch (problem) {
			fill(cursor ? more : place, notice(problem, again));
		}
	};

	fill(root, h('div.toolbar', null, h('h1', null, 'Public links')),
	    h('p.muted', null, 'Anyone with a link can open it without an account.'), place, more);
	fill(place, h('div.skeleton.line'), h('div.skeleton.line'));
	load();
	return { update() {}, unmount() {} };
}
