/* The buttons of the viewer for an item's marks and albums. */
import { mark } from '../lib/collections.js';
import { announce, iconButton } from '../lib/dom.js';
import { can } from '../lib/session.js';
import { fail } from './toast.js';

export function
lightboxMarks()
{
	let item = null;
	const toggle = async (name, member, words) => {
		const on = !item[member];

		try {
			await mark(item, name, on);
			announce(words[on ? 0 : 1]);
		} catch (problem) {
			fail(problem);
		}
	};
	const love = () => item && toggle('favorite', 'favorite',
	    ['Added to favourites', 'Removed from favourites']);
	const heart = iconButton('heart', 'Favourite', love, { 'aria-pressed': 'false' });
	const archive = iconButton('archive', 'Archive', () => toggle('archive', 'archived',
	    ['Archived', 'Back in your library']), { 'aria-pressed': 'false' });
	const album = iconButton('album', 'Add to album', async () =>
	    (await import('./add-to-album.js')).addToAlbum([item]));

	heart.classList.add('favorite');
	archive.classList.add('archive');
	return { love, nodes: [heart, album, archive],
	    show(now) {
		    item = now?.status === 'trashed' ? null : now;
		    heart.hidden = !item;
		    archive.hidden = !item;
		    album.hidden = !item || !can('media.upload');
		    heart.setAttribute('aria-pressed', String(Boolean(item?.favorite)));
		    archive.setAttribute('aria-pressed', String(Boolean(item?.archived)));
	    } };
}
