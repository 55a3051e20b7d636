/*
 * Dragging items of a grid to another place: with a mouse any of them, or all that are selected;
 * with a finger those that are selected, since others scroll. The buttons "Move earlier" and "Move
 * later" of the selection are the way of the keyboard.
 */
import { announce, h } from '../lib/dom.js';
import { many } from '../lib/format.js';

const SLIP = 6;     /* CSS pixels: less is a click */
const EDGE = 90;    /* CSS pixels at the edges of the view, where it scrolls along */
const SPEED = 0.25; /* of that distance, in a frame */

class Drag {
	constructor(grid, { moved, drop })
	{
		Object.assign(this, { grid, moved, drop });
		this.mark = h('div.drop-mark', { 'aria-hidden': 'true' });
		this.ghost = h('div.drag-ghost', { 'aria-hidden': 'true' });
	}

	begin()
	{
		const ids = new Set(this.moved.map(({ id }) => id));

		this.ids = ids;
		this.ghost.textContent = this.moved.length === 1 ? this.moved[0].title :
		    many(this.moved.length, 'item');
		document.body.append(this.ghost);
		this.grid.space.append(this.mark);
		this.grid.node.classList.add('reordering');
		this.show();
		this.scroll();
		announce(`Moving ${this.ghost.textContent}`);
	}

	show()
	{
		for (const [id, { node }] of this.grid.tiles)
			node.classList.toggle('carried', this.ids.has(id));
	}

	/* The gap between two tiles that is nearest to the pointer. */
	at(x, y)
	{
		let best = null;

		Object.assign(this, { x, y });
		this.ghost.style.setProperty('translate', `${x + 14}px ${y + 14}px`);
		for (const { node, item } of this.grid.tiles.values()) {
			if (!node.isConnected)
				continue;
			const box = node.getBoundingClientRect();
			const dy = Math.max(box.top - y, 0, y - box.bottom);
			const behind = x > box.left + box.width / 2;
			const dx = Math.abs(x - (behind ? box.right : box.left));
			const far = dy * 4 + dx;
			if (!best || far < best.far)
				best = { far, item, behind, box };
		}
		this.gap = best;
		if (!best)
			return;
		const origin = this.grid.space.getBoundingClientRect();
		const s = this.mark.style;
		s.setProperty('left', `${(best.behind ? best.box.right : best.box.left) -
		    origin.left}px`);
		s.setProperty('top', `${best.box.top - origin.top}px`);
		s.setProperty('height', `${best.box.height}px`);
	}

	/* Near an edge the page moves along. */
	scroll()
	{
		this.frame = requestAnimationFrame(() => {
			const over = this.y < EDGE ? this.y - EDGE :
			    Math.max(0, this.y - (innerHeight - EDGE));

			if (over) {
				scrollBy(0, over * SPEED);
				this.at(this.x, this.y);
				this.show();
			}
			this.scroll();
		});
	}

	/* The item in front of which these are to be; null: the end. Undefined: nothing moves. */
	before()
	{
		const { items } = this.grid;
		const { gap } = this;

		if (!gap)
			return undefined;
		let n = items.indexOf(gap.item) + (gap.behind ? 1 : 0);
		while (n < items.length && this.ids.has(items[n].id))
			n++;
		if (!items[n] && this.grid.more)
			return undefined; /* what comes there is not known yet */
		const rest = items.filter(({ id }) => !this.ids.has(id));
		const to = items[n] ? rest.indexOf(items[n]) : rest.length;
		const now = [...rest.slice(0, to), ...this.moved, ...rest.slice(to)];

		return now.every((item, i) => item === items[i]) ? undefined : items[n] ?? null;
	}

	end(takes)
	{
		const before = takes ? this.before() : undefined;

		cancelAnimationFrame(this.frame);
		this.ids = new Set();
		this.show();
		this.mark.remove();
		this.ghost.remove();
		this.grid.node.classList.remove('reordering');
		if (before !== undefined)
			this.drop(this.moved, before);
		else
			announce('Not moved');
	}
}

/* Of a grid in an order made by hand. drop(items, before) is called with what was moved where. */
export function
reorder(grid, selection, drop)
{
	let start = null; /* {x, y, id, tile} of a pointer that is down */
	let drag = null;
	const stop = (takes) => {
		drag?.end(takes);
		drag = null;
		start = null;
	};
	const { space } = grid;

	grid.node.classList.add('reorder');
	space.addEventListener('pointerdown', (event) => {
		const tile = event.target.closest('.tile')?.tile;

		if (!tile || event.button || event.target.closest('.tick') || drag ||
		    (event.pointerType !== 'mouse' && !selection.has(tile.item.id)))
			return;
		start = { x: event.clientX, y: event.clientY, id: event.pointerId, tile };
	});
	space.addEventListener('pointermove', (event) => {
		if (!start || event.pointerId !== start.id)
			return;
		if (!drag) {
			const far = Math.hypot(event.clientX - start.x, event.clientY - start.y);
			const { item } = start.tile;

			if (far < SLIP)
				return;
			space.setPointerCapture(event.pointerId);
			drag = new Drag(grid, { drop,
			    moved: selection.has(item.id) ? selection.items() : [item] });
			drag.at(event.clientX, event.clientY);
			drag.begin();
		}
		drag.at(event.clientX, event.clientY);
	});
	/* the click that follows opens nothing */
	space.addEventListener('pointerup', (event) => {
		if (event.pointerId !== start?.id)
			return;
		if (drag) {
			const eat = (click) => {
				click.stopPropagation();
				click.preventDefault();
			};
			space.addEventListener('click', eat, true);
			setTimeout(() => space.removeEventListener('click', eat, true));
		}
		stop(true);
	});
	space.addEventListener('pointercancel', () => stop(false));
	const key = (event) => {
		if (event.key !== 'Escape' || !drag)
			return;
		event.stopImmediatePropagation();
		stop(false);
	};
	addEventListener('keydown', key, true);
	return () => {
		stop(false);
		removeEventListener('keydown', key, true);
	};
}
