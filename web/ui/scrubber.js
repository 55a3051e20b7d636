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
		this.node = h('div.scrubber', {
			role: 'slider', tabindex: '0', 'aria-label': 'Date',
			'aria-orientation': 'vertical', 'aria-valuemin': '0', 'aria-valuenow': '0',
			'aria-valuemax': '0',
			hidden: true,
			onpointerdown: (event) => this.grab(event),
			onkeydown: (event) => this.key(event),
		}, this.ticks, this.thumb);
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

	/* After each layout of the grid. */
	update()
	{
		const { sections, height } = this.grid;
		const room = this.node.clientHeight || innerHeight * 0.7;
		let year = null;
		let last = -LABEL_ROOM;

		this.node.hidden = !sections[0]?.label || height < innerHeight * FEWEST_SCREENS;
		fill(this.ticks, sections.map((section) => {
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
		this.node.setAttribute('aria-valuemax', String(sections.length - 1));
		this.follow();
	}

	at()
	{
		const y = this.grid.y - this.grid.offset + this.grid.viewport / 4;

		return Math.max(0, this.grid.sections.findLastIndex((s) => s.top <= y));
	}

	follow()
	{
		const { height, sections } = this.grid;
		const part = Math.min(1, Math.max(0,
		    (this.grid.y - this.grid.offset) / Math.max(1, height - this.grid.viewport)));
		const section = sections[this.at()];

		if (!section)
			return;
		this.thumb.style.setProperty('top', `${part * 100}%`);
		if (section === this.shown)
			return;
		this.shown = section;
		this.bubble.textContent = section.label;
		this.node.setAttribute('aria-valuenow', String(this.at()));
		this.node.setAttribute('aria-valuetext', section.label ?? '');
	}

	go(part)
	{
		scrollTo(0, this.grid.offset +
		    Math.min(1, Math.max(0, part)) * Math.max(0, this.grid.height - innerHeight));
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
		const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -6,
		    PageDown: 6, Home: -1e6, End: 1e6 }[event.key];

		if (!step)
			return;
		event.preventDefault();
		const to = this.grid.sections[Math.min(this.grid.sections.length - 1,
		    Math.max(0, this.at() + step))];
		scrollTo(0, this.grid.offset + to.top - innerHeight / 8);
	}
}
