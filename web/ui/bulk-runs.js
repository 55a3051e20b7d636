/* What is done with many items at once; ui/bulk.js has the buttons for it. */
import { setShares } from '../lib/collections.js';
import { h } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { known } from '../lib/media.js';
import { mayEdit } from '../lib/session.js';
import { changeMany, overMany, shown } from './actions.js';
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
	const set = (value) => changeMany(todo, { set: { [name]: value } },
	    shown(() => ({ [member]: value })), 'Marking');
	const done = await set(on);

	if (done)
		toast(`${many(done, 'item')} ${words[on ? 0 : 1]}`, {
			action: 'Undo',
			onaction: () => set(!on),
		});
}

export const favorite = (items) => toggleMark(items, 'favorite', 'favorite',
    ['added to favourites', 'removed from favourites']);
export const archive = (items) => toggleMark(items, 'archive', 'archived',
    ['archived', 'back in your library']);

export async function
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
	const done = users ?
	    await overMany(mine, (item, how) => setShares(item, users, how), 'Changing') :
	    await changeMany(mine, { set: { visibility: value } },
		shown(() => ({ visibility: value })), 'Changing');
	if (done)
		toast(`${many(done, 'item')} changed`);
}

export { tagMany, trashWithUndo } from './actions.js';
export { downloadMany } from './downloads.js';
export { addToAlbum } from './add-to-album.js';
export { more } from './bulk-more.js';
export { datesMany } from './many-dates.js';
export const linkToItems = async (items) =>
    (await import('./public-link.js')).linkToItems(items);
