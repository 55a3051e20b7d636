/*
 * The bar at the right edge: years in proportion to the room they take. Drag it or use the arrow
 * keys to move through time.
 */
import { fill, h } from '../lib/dom.js';

const SHOWN_MS = 1500;
const FEWEST_SCREENS = 3;
const LABEL_ROOM = 26; /* CSS pixels between labels */

export class Scrubber {
	constructor(grid)
	{
		this.grid = grid;
		this.ticks = h('div.scrub-ticks', { 'aria-hidden': 'true' });
		this.bubble = h('output.scrub-bubble', { 'aria-hidden': 'true' });
		this.thumb = h('div.scrub-thumb', null, this.bubble);
		/* the date where the pointer is */
		this.hint = h('output.scrub-bubble.scrub-hint', { 'aria-hidden': 'true' });
		this.marks = [];
		this.node = h('div.scrubber', {
			role: 'slider', tabindex: '0', 'aria-label': 'Date',
			'aria-orientation': 'vertical', 'aria-valuemin': '0', 'aria-valuenow': '0',
			'aria-valuemax': '0',
			hidden: true,
			onpointerdown: (event) => this.grab(event),
			onpointermove: (event) => this.point(event),
			onkeydown: (event) => this.key(event),
		}, this.ticks, this.thumb, this.hint);
	}

	destroy()
	{
		clearTimeout(this.timer);
	}

	scrolled()
	{
		this.follow();
		clearTimeout(this.timer);
		this.node.classList.add('moving');
		this.timer = setTimeout(() => this.node.classList.remove('moving'), SHOWN_MS);
	}

	/* After each layout of the grid: a tick for each month, the year where there is room. */
	update()
	{
		const { sections, height } = this.grid;
		const room = this.node.clientHeight || innerHeight * 0.7;
		let year = null;
		let month = null;
		let last = -LABEL_ROOM;

		this.node.hidden = !sections[0]?.label || height < innerHeight * FEWEST_SCREENS;
		this.marks = sections.filter(({ key }) => {
			const other = key.slice(0, 7) !== month;

			month = key.slice(0, 7);
			return other;
		});
		fill(this.ticks, this.marks.map((section) => {
			const y = (section.top / height) * room;
			const mine = section.key.slice(0, 4);
			const named = mine !== year && y - last >= LABEL_ROOM;
			year = mine;
			if (named)
				last = y;
			return h(named ? 'span.named' : 'span',
			    { style: { top: `${(section.top / height) * 100}%` } },
			    named ? mine : null);
		}));
		this.node.setAttribute('aria-valuemax', String(this.marks.length - 1));
		this.shown = null;
		this.follow();
	}

	part()
	{
		const { height, viewport } = this.grid;

		return Math.min(1, Math.max(0, this.grid.top() / Math.max(1, height - viewport)));
	}

	/* What the bar speaks of: of the newest the top of the window, of the oldest its bottom. */
	y()
	{
		return Math.max(0, this.grid.top()) + this.part() * this.grid.viewport;
	}

	at()
	{
		return Math.max(0, this.marks.findLastIndex((s) => s.top <= this.y()));
	}

	labelAt(top)
	{
		return this.grid.labelAt?.(top) ??
		    this.grid.sections.findLast((s) => s.top <= top)?.label ?? '';
	}

	follow()
	{
		const label = this.labelAt(this.y());

		if (!this.marks.length)
			return;
		this.thumb.style.setProperty('top', `${this.part() * 100}%`);
		if (label === this.shown)
			return;
		this.shown = label;
		this.bubble.textContent = label;
		this.node.setAttribute('aria-valuenow', String(this.at()));
		this.node.setAttribute('aria-valuetext', label);
	}

	go(part)
	{
		this.grid.goTo(Math.min(1, Math.max(0, part)) *
		    Math.max(0, this.grid.height - innerHeight));
	}

	point(event)
	{
		const box = this.node.getBoundingClientRect();
		const part = Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));

		this.hint.style.setProperty('top', `${part * box.height}px`);
		this.hint.textContent = this.labelAt(part * this.grid.height);
	}

	grab(event)
	{
		const box = this.node.getBoundingClientRect();
		const move = (e) => this.go((e.clientY - box.top) / box.height);
		const done = () => {
			this.node.classList.remove('held');
			removeEventListener('pointermove', move);
			['pointerup', 'pointercancel'].forEach((type) => removeEventListener(type,
			    done));
		};

		event.preventDefault();
		this.node.focus({ preventScroll: true });
		this.node.classList.add('held');
		addEventListener('pointermove', move);
		['pointerup', 'pointercancel'].forEach((type) => addEventListener(type, done));
		move(event);
	}

	key(event)
	{
		const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -12,
		    PageDown: 12, Home: -1e6, End: 1e6 }[event.key];

		if (!step)
			return;
		event.preventDefault();
		const to = this.marks[Math.min(this.marks.length - 1,
		    Math.max(0, this.at() + step))];
		this.grid.goTo(to.top - innerHeight / 8);
	}
}
