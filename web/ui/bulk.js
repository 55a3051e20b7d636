/* What can be done with many items at once: the actions of the selection bar. */
import { mark, setShares } from '../lib/collections.js';
import { h } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { patch } from '../lib/media.js';
import { can, mayEdit, mayTrash } from '../lib/session.js';
import { overMany, tagMany, trashWithUndo } from './actions.js';
import { ask } from './dialog.js';
import { options } from './form.js';
import { toast } from './toast.js';

const WHO = [['private', 'Only the owner'], ['shared', 'Specific people'],
    ['house', 'Everyone here']];

/* Sets a mark on all, or takes it away where all have it. */
async function
toggleMark(items, name, member, words)
{
	const on = !items.every((item) => item[member]);
	const todo = items.filter((item) => Boolean(item[member]) !== on);
	const done = await overMany(todo, (item, how) => mark(item, name, on, how), 'Marking');

	if (done)
		toast(`${many(done, 'item')} ${words[on ? 0 : 1]}`, {
			action: 'Undo',
			onaction: () => overMany(todo, (item, how) => mark(item, name, !on, how),
			    'Marking'),
		});
}

export const favorite = (items) => toggleMark(items, 'favorite', 'favorite',
    ['added to favourites', 'removed from favourites']);
export const archive = (items) => toggleMark(items, 'archive', 'archived',
    ['archived', 'back in your library']);

async function
visibility(items)
{
	const mine = items.filter(mayEdit);
	const who = h('select', { 'aria-label': 'Who can see these' }, options(WHO, 'private'));

	if (mine.length < items.length)
		toast('Some of these belong to others. Only their owners decide who sees them.');
	if (!mine.length)
		return;
	const value = await ask({ title: `Who can see ${many(mine.length, 'item')}?`, body: who,
	    yes: 'Save', value: () => who.value });
	const users = value === 'shared' ?
	    await (await import('./share.js')).shareItems(mine) : null;
	if (!value || (value === 'shared' && !users))
		return;
	const done = await overMany(mine, async (item, how) => (users ?
	    setShares(item, users, how) : patch(item, { visibility: value })), 'Changing');
	if (done)
		toast(`${many(done, 'item')} changed`);
}

/* The actions of a view's selection; selection() is called when one runs. */
export function
bulkActions(selection)
{
	const clearing = (run) => (items) => {
		selection().clear();
		return run(items);
	};

	return [
		{ icon: 'heart', label: 'Favourite', run: clearing(favorite) },
		...(can('media.upload') ?
		    [{ icon: 'album', label: 'Add to album', run: async (items) => {
			    const { addToAlbum } = await import('./add-to-album.js');
			    if (await addToAlbum(items))
				    selection().clear();
		    } }] : []),
		{ icon: 'archive', label: 'Archive', run: clearing(archive) },
		...(can('media.upload') ?
		    [{ icon: 'lock', label: 'Who can see these', run: clearing(visibility) }] : []),
		{ icon: 'tag', label: 'Tag', may: mayEdit, run: tagMany },
		{ icon: 'clock', label: 'Change date', may: mayEdit,
		    run: async (items) => (await import('./many-dates.js')).datesMany(items) },
		{ icon: 'trash', label: 'Move to trash', may: mayTrash, key: 'Delete',
		    run: (items) => {
			    if (items.length < selection().size)
				    toast('You can’t delete some of these.');
			    selection().clear();
			    return trashWithUndo(items);
		    } },
	];
}
