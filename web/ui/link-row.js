/* One of a person's public links, with what can be done about it. */
import { changeLink, linkById, removeLink } from '../lib/links.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, dayOf, many } from '../lib/format.js';
import { link as linkTo } from '../lib/router.js';
import { ask } from './dialog.js';
import { copyable } from './form.js';
import { linkFields } from './link-fields.js';
import { fail, toast } from './toast.js';

const WHAT = { item: 'An item', album: 'An album', selection: 'A selection' };

export const linkTitle = (link) => link.title ?? many(link.count, 'item');

const LOST = 'The address of this link is no longer known. People who have it can still open it. ' +
    'Create a new link to get a new address.';

const ended = (link) => link.expiresAt && Date.parse(link.expiresAt) <= Date.now();

function
facts(link)
{
	return [
		many(link.views, 'view') +
		    (link.lastViewAt ? `, last ${ago(link.lastViewAt)}` : ''),
		link.expiresAt ?
		    `${ended(link) ? 'expired' : 'expires'} on ${dayOf(link.expiresAt)}` :
		    'never expires',
		link.passwordSet ? 'password' : null,
		link.download ? 'download' : null,
	].filter(Boolean).join(' · ');
}

/* Where the link's target is in the page; null: a selection has no place. */
function
place({ target })
{
	if (target.collectionId)
		return linkTo('album', { id: target.collectionId });
	return target.mediaId ? linkTo('library', { item: target.mediaId }) : null;
}

/* named: the row says what it is a link to. gone(): after it was removed. */
export function
linkRow(first, { named, gone })
{
	let link = first;
	const node = h('li.line.public-link');
	const change = async () => {
		const fields = linkFields(link);
		const wish = await ask({ title: 'Change the public link', yes: 'Save',
		    body: h('div.share', null, fields.node), value: fields.wish });

		if (!wish || !Object.keys(wish).length)
			return;
		try {
			link = await changeLink(link, wish);
			draw();
			toast('Public link changed');
		} catch (problem) {
			fail(problem, 'Not saved.');
		}
	};
	const address = async () => {
		try {
			const { url } = await linkById(link.id);

			await ask({ title: `Public link to ${linkTitle(link)}`, yes: 'Done',
			    no: null, body: h('div.share', null, url ?
				copyable(url, 'Public link') : h('p', null, LOST)) });
		} catch (problem) {
			fail(problem);
		}
	};
	const remove = async () => {
		if (!(await ask({ title: 'Remove this public link?',
		    text: 'People who have its address can no longer open it.', yes: 'Remove',
		    danger: true })))
			return;
		try {
			await removeLink(link);
			toast('Public link removed');
			gone();
		} catch (problem) {
			fail(problem);
		}
	};
	const title = () => {
		const to = place(link);
		const text = linkTitle(link);

		return to ? h('a', { href: to }, text) : h('strong', null, text);
	};
	const button = (text, label, onclick) => h('button.small', { type: 'button',
	    'aria-label': `${label} of ${linkTitle(link)}`, onclick }, text);
	const draw = () => fill(node, icon('link'), h('div.grow', null, named ? title() : null,
	    named ? h('small', null, `${WHAT[link.kind]} · ${many(link.count, 'item')}`) : null,
	    h('small', null, facts(link))),
	button('Copy link', 'Copy link', address),
	button('Change', 'Change the public link', change),
	button('Remove', 'Remove the public link', remove));

	draw();
	return node;
}
