/* Puts items into an album, or into a new one. */
import { collections, create, mayAdd, step, STEP } from '../lib/collections.js';
import { h, icon } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { go } from '../lib/router.js';
import { ask } from './dialog.js';
import { fail, toast } from './toast.js';

const NEW = '';

function
choice(c, i)
{
	return h('label.check', null,
	    h('input', { type: 'radio', name: 'album', value: c?.id ?? NEW, checked: i === 0 }),
	    icon(c ? 'album' : 'plus'), h('span.grow', null, c?.title ?? 'New album',
		c ? h('small', null, ` ${many(c.count, 'item')}`) : null));
}

async function
choose(items)
{
	const albums = (await collections()).filter(mayAdd);
	const title = h('input', { type: 'text', maxlength: '200',
	    'aria-label': 'Title of the album', placeholder: 'Title of the new album' });
	const rows = [null, ...albums].map(choice);
	const list = h('fieldset.checks.albums-list', { onchange: () => follow() },
	    h('legend.unseen', null, 'Album'), rows);
	const chosen = () => list.querySelector('input:checked').value;
	const follow = () => {
		title.hidden = chosen() !== NEW;
		title.required = !title.hidden;
	};

	follow();
	return ask({ title: `Add ${many(items.length, 'item')} to an album`,
	    body: h('div.share', null, title, list), yes: 'Add',
	    value: () => ({ title: title.value.trim(),
		album: albums.find(({ id }) => id === chosen()) }) });
}

/* Resolves with whether they were added. */
export async function
addToAlbum(items)
{
	const ids = items.map(({ id }) => id);

	try {
		const wanted = await choose(items);
		if (!wanted)
			return false;
		const album = wanted.album ?? await create({ title: wanted.title,
		    items: ids.slice(0, STEP) });
		const { added } = await step(album.id, 'add', wanted.album ? ids : ids.slice(STEP));
		const n = wanted.album ? added : ids.length;
		toast(n ? `${many(n, 'item')} added to “${album.title}”` :
		    `Already in “${album.title}”`,
		{ action: 'Open', onaction: () => go('album', { id: album.id }) });
		return true;
	} catch (problem) {
		fail(problem, 'Not added.');
		return false;
	}
}
