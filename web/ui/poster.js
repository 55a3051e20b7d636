/* A title of a media server as a poster: its picture, its name, one line about it. */
import { h, icon } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { mediaKind } from '../lib/kinds.js';
import { thumbnail } from '../lib/media.js';
import { link } from '../lib/router.js';
import { showPicture } from './picture.js';

const SQUARE = ['artist', 'album', 'track'];
const POSTER_WIDTH = 200;

export const TMDB = 'This product uses the TMDB API but is not endorsed or certified by TMDB.';

/* What TMDB asks for wherever its words or pictures may be shown. */
export const attribution = () => h('p.attribution', null, h('small', null, TMDB));

/* The picture, or the kind's glyph where there is none. */
export function
artwork(item)
{
	const find = () => thumbnail(item, POSTER_WIDTH);
	const glyph = icon(mediaKind(item.kind).glyph);
	const node = h(SQUARE.includes(item.kind) ? 'div.poster-art.square' : 'div.poster-art',
	    null, glyph);

	if (find()) {
		const image = h('img', { alt: '', decoding: 'async', loading: 'lazy',
		    onload: () => glyph.remove() });
		node.append(image);
		showPicture(image, item.id, find);
	}
	return node;
}

const LINES = {
	show: (item) => [item.year, item.childCount && many(item.childCount, 'season')],
	album: (item) => [item.parentTitle, item.year],
	episode: (item) => [item.parentTitle],
};

export function
posterLine(item)
{
	return (LINES[item.kind]?.(item) ?? [item.year]).filter(Boolean).join(' · ');
}

export function
poster(item)
{
	return h('li.poster', { 'data-id': item.id },
	    h('a', { href: link('title', { id: item.id }) }, artwork(item),
		h('strong', null, item.title), h('small', null, posterLine(item))));
}

/* Places for posters that are on their way. */
export const posterSkeletons = (n) => Array.from({ length: n },
    () => h('li.poster', { 'aria-hidden': 'true' }, h('div.poster-art.skeleton')));
