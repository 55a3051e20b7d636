/* A strip above the library: photos and videos of this day in former years, if there are any. */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { h, iconButton } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { known, LISTED, remember, thumbnail } from '../lib/media.js';
import { link } from '../lib/router.js';
import { showPicture } from './picture.js';

const HIDDEN = 'medianest.on-this-day.hidden';
const SHOWN = 160; /* width of a picture */

function
card(year, items)
{
	const item = items[0];
	const image = h('img', { alt: '', loading: 'lazy', decoding: 'async' });
	const ago = `${many(new Date().getFullYear() - year, 'year')} ago`;

	showPicture(image, item.id, () => thumbnail(known(item.id) ?? item, SHOWN));
	return h('li', { 'data-id': item.id }, h('a', { href: link('library', { item: item.id }),
	    'aria-label': `${ago}: ${many(items.length, 'item')} of ${year}` },
	image, h('span', { 'aria-hidden': 'true' }, ago)));
}

const asked = new WeakSet();

/*
 * Stands before a node, once, and only where nothing moves that somebody looks at. date: where the
 * person is, not in UTC.
 */
export async function
onThisDay(before, date)
{
	if (asked.has(before) || localStorage.getItem(HIDDEN) === date)
		return;
	asked.add(before);
	const { years } = await api.get('/media/on-this-day',
	    { date, scope: 'library', thumbnails: LISTED }, { patient: true })
	    .catch(() => ({ years: [] })); /* the library says what is wrong */
	const shown = years.map(({ year, items }) => ({ year, items: items.map(remember)
	    .filter((item) => thumbnail(item, SHOWN)) })).filter(({ items }) => items.length);

	if (!shown.length || !before.isConnected || scrollY > 0)
		return;
	const strip = h('section.on-this-day', { 'aria-labelledby': 'on-this-day' },
	    h('div.on-this-day-head', null, h('h2', { id: 'on-this-day' }, 'On this day'),
		iconButton('close', 'Hide until tomorrow', () => {
			localStorage.setItem(HIDDEN, date);
			strip.remove();
			document.querySelector('main').focus();
		})),
	    h('ul', null, shown.map(({ year, items }) => card(year, items))));

	/* what goes to the trash goes from here, and is back with its undo at the next visit */
	const off = on('media', ({ item }) => item.status === 'trashed' && gone(item.id));
	const offGone = on('media-gone', ({ id }) => gone(id));
	const gone = (id) => {
		if (!strip.isConnected) {
			off();
			offGone();
			return;
		}
		strip.querySelector(`[data-id="${id}"]`)?.remove();
		if (!strip.querySelector('li'))
			strip.remove();
	};

	before.before(strip);
}
