/* A dialog that makes a public link to something, and shows those that there are. */
import { createLink, links } from '../lib/links.js';
import { fill, h } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { mayEdit } from '../lib/session.js';
import { ask } from './dialog.js';
import { copyable, notice } from './form.js';
import { linkFields } from './link-fields.js';
import { linkRow } from './link-row.js';
import { fail, toast } from './toast.js';

/* target: {mediaId}, {collectionId} or {ids}. */
function
publicLink(title, target)
{
	const list = h('ul.rows');
	const made = h('div', { role: 'status' });
	const place = h('div.link-fields');
	const form = () => {
		const fields = linkFields(null);
		const button = h('button.primary', { type: 'button', onclick: async () => {
			const wish = fields.wish();

			if (!wish)
				return;
			button.disabled = true;
			try {
				const link = await createLink(target, wish);
				fill(place);
				fill(made, h('div.once', null,
				    h('p', null, 'Anyone with this link can see it.'),
				    copyable(link.url, 'Public link')));
				made.querySelector('button').focus();
				add(link, true);
			} catch (problem) {
				const wrong = problem.errors?.find(({ field }) => field ===
				    'password');
				fail(problem, wrong ? 'Password:' : undefined);
			}
			button.disabled = false;
		} }, 'Create link');

		fields.node.addEventListener('keydown', (event) => {
			if (event.key !== 'Enter' || event.target.tagName === 'BUTTON')
				return;
			event.preventDefault(); /* it would close the dialog */
			button.click();
		});
		fill(place, fields.node, button);
	};
	const add = (link, first) => {
		const row = linkRow(link, { named: false, gone: () => row.remove() });

		if (first)
			list.prepend(row);
		else
			list.append(row);
	};
	const load = async () => {
		try {
			const { items, enabled } = target.ids ? { items: [], enabled: true } :
			    await links(target);

			fill(list);
			items.forEach((link) => add(link, false));
			if (enabled)
				form();
			else
				fill(place, h('p.muted', null,
				    'Public links are switched off on this server.'));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	fill(place, h('div.skeleton.line'));
	load();
	return ask({ title, body: h('div.share', null, made, list, place), yes: 'Done', no: null });
}

export const linkToAlbum = (album) => publicLink(`Public link to “${album.title}”`,
    { collectionId: album.id });

/* To one item, or a selection: of those that the person may share. */
export function
linkToItems(items)
{
	const mine = items.filter(mayEdit);

	if (mine.length < items.length)
		toast('Some of these belong to others. Only their owners can share them publicly.');
	if (!mine.length)
		return null;
	return mine.length === 1 ?
	    publicLink(`Public link to “${mine[0].title}”`, { mediaId: mine[0].id }) :
	    publicLink(`Public link to ${many(mine.length, 'item')}`,
		{ ids: mine.map(({ id }) => id) });
}
