/*
 * One picture in the grid: a link with a placeholder, a thumbnail, badges, and a box to select it.
 */
import { h, icon, fill } from '../lib/dom.js';
import { daysLeft, daysTo, duration, kindName, stepName } from '../lib/format.js';
import { mediaKind } from '../lib/kinds.js';
import { expired, refresh, thumbnail } from '../lib/media.js';
import { placeholder } from '../lib/thumbhash.js';
import { link, parse } from '../lib/router.js';
import { wallDay } from '../lib/wall-clock.js';
import { showPicture } from './picture.js';

function
describe(item)
{
	const state = item.status === 'processing' ? ', processing' : item.status === 'failed' ?
	    ', failed' : item.incomplete ? ', incomplete' : item.motion ? ', with motion' : '';
	const kind = kindName(item.kind);
	const date = wallDay(item);

	const loved = item.favorite ? ', favourite' : '';
	const by = item.ownerName ? `, by ${item.ownerName}` : '';
	const left = item.purgeAt ? `, ${daysLeft(item.purgeAt)}` : '';

	return `${kind[0].toUpperCase()}${kind.slice(1)}: ${item.title}, ` +
	    `${date}${by}${loved}${left}${state}`;
}

export class Tile {
	constructor(item)
	{
		this.item = item;
		this.width = 0;
		this.url = null;
		this.art = h('div.art');
		/* the link's label says it all */
		this.badges = h('div.badges', { 'aria-hidden': 'true' });
		this.anchor = h('a.tile-link', { tabindex: '-1', draggable: 'false' }, this.art);
		this.box = h('button.tick',
		    { type: 'button', role: 'checkbox', 'aria-checked': 'false', tabindex: '-1' },
		    icon('check'));
		this.node = h('li.tile', null, this.anchor, this.badges, this.box);
		this.node.tile = this;
		this.node.addEventListener('pointerenter', (event) => this.item.motion &&
		    event.pointerType === 'mouse' &&
		    import('./motion.js').then(({ overTile }) => overTile(this)));
		this.hash = null;
		this.update();
	}

	place(left, top, width, height)
	{
		const s = this.node.style;

		s.setProperty('left', `${left}px`);
		s.setProperty('top', `${top}px`);
		s.setProperty('width', `${width}px`);
		s.setProperty('height', `${height}px`);
		this.width = Math.max(width, height);
		this.picture();
	}

	select(on)
	{
		this.node.classList.toggle('selected', on);
		this.box.setAttribute('aria-checked', String(on));
	}

	/* How much is missing from what is shown to how the item is turned. */
	turn()
	{
		const { rotation = 0, turnBy = 0 } = this.item;

		if (!this.shown)
			this.made = rotation - turnBy;
		this.art.dataset.turn = (rotation - this.made + 720) % 360;
	}

	/* After a change of the item. */
	update()
	{
		const { item } = this;
		const { name, params } = parse();
		const busy = item.status === 'processing';

		this.turn();
		this.anchor.href = mediaKind(item.kind).page ? link('title', { id: item.id }) :
		    link(name, { ...params, item: item.id });
		this.anchor.setAttribute('aria-label', describe(item));
		this.box.setAttribute('aria-label', `Select ${item.title}`);
		this.node.classList.toggle('busy', busy);
		this.node.classList.toggle('broken', item.status === 'failed');
		fill(this.badges,
		    busy ?
			h('span.badge.wide', null,
			    item.step ? `${stepName(item.step)}…` : 'Processing…') : null,
		    item.status === 'failed' ?
			h('span.badge.wide.bad', null, icon('alert'), 'Failed') : null,
		    item.ownerName && !busy ?
			h('span.badge.owner', null, icon('person'),
			    h('span', null, item.ownerName)) : null,
		    mediaKind(item.kind).named ?
			h('span.caption', null, item.title,
			    item.year ? h('small', null, String(item.year)) : null) : null,
		    item.favorite ? h('span.badge.loved', null, icon('heart')) : null,
		    item.purgeAt ? h('span.badge.days', null, icon('clock'),
			daysTo(item.purgeAt), h('span', null, ' left')) :
			null,
		    item.kind === 'video' && !busy ?
			h('span.badge', null, icon('play'),
			    item.durationMs ? duration(item.durationMs) : null) : null,
		    item.incomplete ?
			h('span.badge.wide', null, icon('alert'), 'Incomplete') : null,
		    item.motion ? h('span.badge', null, icon('motion')) : null,
		    item.kind === 'audio' && item.durationMs ?
			h('span.badge', null, icon('music'), duration(item.durationMs)) : null);
		if (item.thumbhash !== this.hash) {
			this.hash = item.thumbhash;
			this.art.querySelector('canvas')?.remove();
			const canvas = this.hash && !this.shown ? placeholder(this.hash) : null;
			if (canvas)
				this.art.prepend(canvas);
		}
		if (this.width)
			this.picture();
	}

	picture()
	{
		const { item } = this;
		const url = thumbnail(item, this.width);

		if (!url) {
			if (!this.glyph && item.status !== 'processing')
				this.art.append(this.glyph = icon(mediaKind(item.kind).glyph));
			return;
		}
		this.glyph?.remove();
		this.glyph = null;
		if (this.shown || url === this.url)
			return; /* it is the same picture with a newer signature */
		if (expired(url)) {
			refresh(item.id);
			return;
		}
		this.url = url;
		this.image?.remove();
		this.image = h('img', { alt: '', decoding: 'async', draggable: 'false',
		    onload: () => {
			this.shown = true;
		} });
		this.art.append(this.image);
		showPicture(this.image, item.id, () => thumbnail(item, this.width));
	}
}
