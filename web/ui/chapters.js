/* What songs, books and films have beside their facts: chapters to jump to, and lyrics. */
import { h, iconButton } from '../lib/dom.js';
import { duration } from '../lib/format.js';

const AGAIN_MS = 3000; /* later than this into a chapter, 'previous' begins it again */

const name = ({ title }, i) => title ?? `Chapter ${i + 1}`;

/* A chapter that is chosen leaves as an event `seek` with its beginning in milliseconds. */
const choose = (ms) => ({ target }) => target.dispatchEvent(new CustomEvent('seek',
    { bubbles: true, detail: ms }));

/* Lists for the details; null where there is nothing of the kind. */
export const chapterList = ({ metadata }) => (metadata?.chapters?.length ? h('section', null,
    h('h3', null, 'Chapters'),
    h('ol.chapters', null, metadata.chapters.map((chapter, i) => h('li', null,
	h('button', { type: 'button', onclick: choose(chapter.startMs) },
	    h('span', null, name(chapter, i)),
	    h('span.muted', null, duration(chapter.startMs))))))) : null);

export const lyrics = ({ metadata }) => (metadata?.lyrics ? h('section', null,
    h('h3', null, 'Lyrics'), h('p.lyrics', null, metadata.lyrics)) : null);

/* "3 of 12" */
export const numbered = (n, total) => n && (total ? `${n} of ${total}` : String(n));

/* The chapter before the position or after it; undefined: there is none. */
function
neighbour(chapters, ms, way)
{
	const at = chapters.findLastIndex((c) => c.startMs <= ms);

	if (way < 0 && at >= 0 && ms - chapters[at].startMs > AGAIN_MS)
		return chapters[at];
	return chapters[at + way];
}

/* Two buttons of a player; seek(ms) goes there, position() is where it is. */
export function
chapterButtons(item, position, seek)
{
	const step = (way) => () => {
		const to = neighbour(item.metadata.chapters, position(), way);

		if (to)
			seek(to.startMs);
	};

	return item.metadata?.chapters?.length > 1 ? [
		iconButton('left', 'Previous chapter', step(-1)),
		iconButton('right', 'Next chapter', step(1)),
	] : [];
}
