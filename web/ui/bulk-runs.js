/* What is done with many items at once; ui/bulk.js has the buttons for it. */
import { setShares } from '../lib/collections.js';
import { h } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { remember } from '../lib/media.js';
import { mayEdit } from '../lib/session.js';
import { changeMany, overMany } from './actions.js';
import { ask, choose } from './dialog.js';
import { options } from './form.js';
import { toast } from './toast.js';
import { turn, turnable } from './turn.js';

const WHO = [['private', 'Only the owner'], ['shared', 'Specific people'],
    ['house', 'Everyone here']];

/* Sets a mark on all, or takes it away where all have it. */
async function
toggleMark(items, name, member, words)
{
	const on = !items.every((item) => item[member]);
	const todo = items.filter((item) => Boolean(item[member]) !== on);
	const set = (value) => changeMany(todo, { set: { [name]: value } },
	    (item) => remember({ ...item, [member]: value }), 'Marking');
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
		(item) => remember({ ...item, visibility: value }), 'Changing');
	if (done)
		toast(`${many(done, 'item')} changed`);
}

const slides = async (items) => (await import('./slideshow.js')).slideshow({
	items: () => items,
});

/* Where something plays already, the person says what becomes of these. */
async function
playMany(items)
{
	const music = await import('./music.js');
	const how = music.isPlaying() ? h('select', { 'aria-label': 'When' },
	    options([['now', 'Play now'], ['next', 'Play next'],
		['end', 'Add to the end of the queue']], 'next')) : null;
	const when = how ? await ask({ title: `Play ${many(items.length, 'song')}`, body: how,
	    yes: 'OK', value: () => how.value }) : 'now';

	if (when === 'now')
		music.play(items);
	else if (when)
		music.add(items, when === 'next');
}

/* What is done more rarely. The selection stays: one turn may not be enough. */
export async function
more(items)
{
	const turned = items.filter(turnable);
	const songs = items.filter(({ kind }) => kind === 'audio');
	const seen = items.filter(({ kind }) => ['image', 'video'].includes(kind));

	await choose(`${many(items.length, 'item')}`, [
		turned.length && ['rotate', 'Rotate right', () => turn(turned, 90)],
		turned.length && ['restore', 'Rotate left', () => turn(turned, 270)],
		turned.length && ['rotate', 'Turn upside down', () => turn(turned, 180)],
		seen.length && ['play', 'Slideshow', () => slides(seen)],
		songs.length && ['music', 'Play', () => playMany(songs)],
	].filter(Boolean));
}

export { tagMany, trashWithUndo } from './actions.js';
export { downloadMany } from './downloads.js';
export { addToAlbum } from './add-to-album.js';
export { datesMany } from './many-dates.js';
export const linkToItems = async (items) =>
    (await import('./public-link.js')).linkToItems(items);
