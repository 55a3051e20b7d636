/*
 * A justified, virtual grid: every item has its place from the start, but only those near the
 * viewport are in the document. The document itself scrolls. Keyboard: arrows, Home, End move;
 * Enter opens; Space selects.
 */
import { fill, h } from '../lib/dom.js';
import { on } from '../lib/bus.js';
import { justify } from '../lib/justify.js';
import { mediaKind } from '../lib/kinds.js';
import { go, goHere } from '../lib/router.js';
import { notice } from './notice.js';
import { longPress } from './press.js';
import { Tile } from './tile.js';

const OVERSCAN = 700;      /* CSS pixels above and below the viewport */
const LOAD_AHEAD = 2500;
const RELOAD_PAGES = 5;
const DRAW_MS = 8;         /* of a frame for tiles that come into view */
export const HEADING = 52;
export const BELOW = 12; /* a section with a heading */
export const GAP = 4;
const NARROW = 640;
const EDGE = 80;           /* where what has the focus is not well seen */

const skeleton = () => h('div.skeletons', { 'aria-hidden': 'true' }, Array.from({ length: 18 },
    (_, i) => h(`div.skeleton.s${i % 5}`)));

/* What rows are to be high, by the width of the grid. */
export const heightOf = (width) => (width < NARROW ? Math.max(105, width / 3.3) :
    Math.min(235, 150 + width / 16));

export class Grid {
	/*
	 * pager() returns load(), which returns {items, more} page by page. group(item) returns
	 * {key, label}; null for no headings. accept(item): whether it belongs here.
	 * compare: where a new item goes (without it, new items are not shown). selection: see
	 * selection.js. empty(): what to show when there is nothing.
	 */
	constructor({ label, ...options })
	{
		const { pager, selection } = Object.assign(this, options);

		this.load = pager?.();
		this.start();
		this.ids = new Set();
		this.sections = [];
		this.tiles = new Map();
		this.elements = new Map();
		this.more = true;
		this.base = 0; /* see top() */
		this.focusId = null;
		this.retry = () => this.next();
		this.space = h('div.grid-space', { role: 'group', 'aria-label': label });
		this.tail = h('div.grid-tail', { 'aria-live': 'polite' });
		this.node = h('div.grid', null, this.space, this.tail);
		this.space.addEventListener('click', (event) => this.click(event));
		this.space.addEventListener('keydown', (event) => this.key(event));
		this.space.addEventListener('focusin', (event) => this.focused(event));
		this.space.addEventListener('pointerdown', (event) => this.press(event));
		this.space.addEventListener('contextmenu', (event) => this.pressed &&
		    event.preventDefault());
		this.onscroll = () => {
			this.frame ??= requestAnimationFrame(() => {
				this.frame = null;
				this.scrolled();
				this.render();
				this.onscrolled?.();
			});
		};
		this.sizes = new ResizeObserver(() => this.space.clientWidth !== this.width &&
		    this.layout());
		this.sizes.observe(this.node);
		addEventListener('scroll', this.onscroll, { passive: true });
		this.offs = [
			on('media', ({ item }) => this.changed(item)),
			on('media-step', ({ item }) => this.tiles.get(item.id)?.update()),
			on('media-new', ({ item }) => this.insert(item)),
			on('media-gone', ({ id }) => this.remove(id)),
		];
		selection?.attach(this);
		this.first = this.next(); /* settles when the first page is there or has failed */
	}

	start()
	{
		this.items = [];
	}

	scrolled() {}

	destroy()
	{
		this.dead = true;
		removeEventListener('scroll', this.onscroll);
		this.sizes.disconnect();
		this.offs.forEach((off) => off());
		this.selection?.clear();
	}

	async next()
	{
		if (this.loading || !this.more || this.dead)
			return;
		this.loading = true;
		fill(this.tail, skeleton());
		try {
			const { items, more } = await this.load();
			if (this.dead)
				return;
			this.more = more;
			for (const item of items)
				if (!this.ids.has(item.id) && this.accept(item)) {
					this.ids.add(item.id);
					this.items.push(item);
				}
			this.loading = false;
			fill(this.tail);
			this.layout();
		} catch (problem) {
			this.loading = false;
			if (this.dead || problem.name === 'AbortError')
				return;
			fill(this.tail, notice(problem, this.retry));
		}
	}

	/*
	 * Events may have been missed: fetches again what was loaded; the person stays where they
	 * are.
	 */
	async reload()
	{
		const load = this.pager();
		const fresh = [];
		let more = true;

		if (this.loading || this.dead)
			return;
		this.loading = true;
		try {
			for (let pages = 0;
			    more && pages < RELOAD_PAGES &&
				fresh.length < Math.max(1, this.items.length);
			    pages++) {
				const page = await load();
				fresh.push(...page.items.filter((item) => this.accept(item)));
				more = page.more;
			}
		} catch {
			this.loading = false;
			/*
			 * the old list is better than none; the next event or reload brings the
			 * rest
			 */
			return;
		}
		this.loading = false;
		if (this.dead)
			return;
		const ids = new Set(fresh.map((item) => item.id));
		if (!more || fresh.length >= this.items.length) {
			this.load = load;
			this.more = more;
			this.items = fresh;
		} else {
			/*
			 * Too much to fetch all of it: the items after the last fetched one stay.
			 */
			const from = this.items.findLastIndex((item) => ids.has(item.id)) + 1;
			this.items = [...fresh, ...this.items.slice(from)];
		}
		this.ids = new Set(this.items.map((item) => item.id));
		fill(this.tail);
		this.layout();
	}

	layout()
	{
		const width = this.space.clientWidth;
		const target = heightOf(width);
		let top = 0;

		if (!width)
			return;
		this.width = width;
		this.sections = [];
		for (let i = 0; i < this.items.length;) {
			const group = this.group?.(this.items[i]) ?? { key: 'all', label: null };
			let end = i + 1;
			while (end < this.items.length &&
			    (!this.group || this.group(this.items[end]).key === group.key))
				end++;
			const { rows, height } = justify(this.items.slice(i, end), width, target,
			    GAP);
			const head = group.label ? HEADING : 0;
			this.sections.push({ key: `${group.key}:${i}`, label: group.label, first: i,
			    top, head, height: head + height, rows });
			top += head + height + (group.label ? BELOW : 0);
			i = end;
		}
		this.height = top;
		this.space.style.setProperty('height', `${top}px`);
		if (!this.items.length && !this.more && !this.loading)
			fill(this.tail, this.empty?.());
		this.hold();
		this.render();
		this.onlayout?.(this);
	}

	/* The first picture in view keeps its place when others come or go above it. */
	hold()
	{
		const index = this.kept ? this.items.findIndex((item) => item.id === this.kept.id) :
		    -1;

		if (index >= 0 && this.rowOf(index).y !== this.kept.y)
			scrollBy(0, this.rowOf(index).y - this.kept.y);
	}

	keep(section, row)
	{
		const y = section.top + section.head + row.top;

		if (!this.kept && this.top() > 0 && y >= this.top())
			this.kept = { id: this.cell(section, row.first)?.id, y };
	}

	/*
	 * Where the grid and the viewport are. Read once a frame, before anything is written, so
	 * that the browser lays out once.
	 */
	measure()
	{
		this.y = scrollY;
		this.viewport = innerHeight;
		this.offset = this.space.getBoundingClientRect().top + scrollY;
		return this.offset;
	}

	/* How far down the grid the viewport's top is. */
	top()
	{
		return this.y - this.offset + this.base;
	}

	goTo(top)
	{
		scrollTo(0, this.measure() + top);
	}

	/* The sections between two heights, with the rows of theirs. */
	visible(from, to)
	{
		return this.sections.filter((s) => s.top <= to && s.top + s.height >= from);
	}

	/* An item by its number in a section; undefined: not loaded. */
	cell(section, n)
	{
		return this.items[section.first + n];
	}

	/* What is not there yet is loaded, when the person comes near it. */
	lack(bottom)
	{
		if (this.more && !this.loading && !this.tail.querySelector('.notice') &&
		    bottom + LOAD_AHEAD > this.height)
			this.next();
	}

	render()
	{
		this.measure();
		if (this.dead)
			return;
		this.until = performance.now() + DRAW_MS;
		const edges = () => [this.top() - OVERSCAN,
		    this.top() + this.viewport + OVERSCAN];
		/* looking may move what is seen: of what was never laid out */
		const sections = this.visible(...edges());
		const [from, to] = edges();
		const shown = sections.map((section) => ({ section,
		    rows: section.rows.filter((row) => {
			    const y = section.top + section.head + row.top;

			    return y <= to && y + row.height >= from;
		    }) }));

		this.kept = null;
		shown.forEach(({ section, rows }) => rows.forEach((row) => this.keep(section,
		    row)));
		this.drop(shown);
		for (const { section, rows } of shown)
			this.draw(this.section(section), section, rows);
		if (!this.tiles.has(this.focusId)) {
			const first = this.space.querySelector('.tile-link');
			if (first)
				first.tabIndex = 0;
		}
		this.lack(to - OVERSCAN);
	}

	/* Takes out of the document what is not shown any more, but never what has the focus. */
	drop(shown)
	{
		const seen = new Set();
		const keys = new Set(shown.map(({ section }) => section.key));

		for (const { section, rows } of shown)
			for (const row of rows)
				for (let i = 0; i < row.count; i++)
					seen.add(this.cell(section, row.first + i)?.id);
		for (const [id, tile] of this.tiles)
			if (!seen.has(id) &&
			    (!tile.node.contains(document.activeElement) || !this.ids.has(id))) {
				tile.node.remove();
				this.tiles.delete(id);
			}
		for (const [key, element] of this.elements)
			if (!keys.has(key) && !element.contains(document.activeElement)) {
				element.remove();
				this.elements.delete(key);
			}
	}

	/* The tiles of rows, in the document's order too, for people who hear it read. */
	draw(list, section, rows)
	{
		let next = list.firstChild;

		for (const row of rows)
			for (let i = 0; i < row.count; i++) {
				const n = row.first + i;
				const item = this.cell(section, n);
				if (!item)
					continue;
				if (!this.tiles.has(item.id) && item.id !== this.focusId &&
				    performance.now() > this.until) {
					this.onscroll(); /* the rest comes with the next frame */
					continue;
				}
				const tile = this.tile(item, row.lefts[i], row.top, row.widths[i],
				    row.height);
				tile.anchor.tabIndex = item.id === this.focusId ? 0 : -1;
				tile.order = n;
				while (next && next.tile?.order < n)
					next = next.nextSibling;
				if (tile.node === next)
					next = next.nextSibling;
				else
					list.insertBefore(tile.node, next);
			}
	}

	/*
	 * The section's list. Sections keep the order of the document, for people who hear it read.
	 */
	section(section)
	{
		let element = this.elements.get(section.key);

		if (!element) {
			const id = `g-${section.key.replace(/[^a-z0-9]/gi, '-')}`;
			element = h(section.label ? 'section.grid-section' : 'div.grid-section',
			    section.label ? { 'aria-labelledby': id } : null,
			    section.label ? this.heading(section, id) : null, h('ul'));
			element.order = section.first;
			const after = [...this.space.children].find((other) => other.order >
			    section.first);
			this.space.insertBefore(element, after ?? null);
			this.elements.set(section.key, element);
		}
		element.style.setProperty('top', `${section.top - this.base}px`);
		element.style.setProperty('height', `${section.height}px`);
		return element.querySelector('ul');
	}

	heading(section, id)
	{
		return h('h2', { id }, section.label);
	}

	tile(item, left, top, width, height)
	{
		let tile = this.tiles.get(item.id);

		if (!tile) {
			tile = new Tile(item);
			tile.select(this.selection?.has(item.id) ?? false);
			this.tiles.set(item.id, tile);
		}
		if (tile.left !== left || tile.y !== top || tile.w !== width || tile.h !== height) {
			Object.assign(tile, { left, y: top, w: width, h: height });
			tile.place(left, top, width, height);
		}
		return tile;
	}

	changed(item)
	{
		if (!this.ids.has(item.id)) {
			this.insert(item); /* it may have come to belong here */
			return;
		}
		if (!this.accept(item)) {
			this.remove(item.id);
			return;
		}
		this.tiles.get(item.id)?.update();
		this.later();
		if (!this.compare)
			return;
		/* With another date or title it may belong elsewhere. */
		const at = this.items.indexOf(item);
		const off = (i, j) => i >= 0 && j < this.items.length &&
		    this.compare(this.items[i], this.items[j]) > 0;
		if (off(at - 1, at) || off(at, at + 1)) {
			this.items.splice(at, 1);
			this.ids.delete(item.id);
			this.insert(item);
		}
	}

	insert(item)
	{
		if (!this.compare || this.ids.has(item.id) || !this.accept(item) ||
		    (this.loading && !this.items.length))
			return;
		let at = this.items.findIndex((other) => this.compare(item, other) < 0);

		if (at < 0) {
			if (this.more)
				return; /* it comes with its page */
			at = this.items.length;
		}
		this.items.splice(at, 0, item);
		this.ids.add(item.id);
		fill(this.tail);
		this.later();
	}

	remove(id)
	{
		if (!this.ids.delete(id))
			return;
		this.items.splice(this.items.findIndex((item) => item.id === id), 1);
		this.selection?.drop(id);
		this.later();
	}

	later()
	{
		this.soon ??= requestAnimationFrame(() => {
			this.soon = null;
			if (!this.dead)
				this.layout();
		});
	}

	/* Where an item lies, in pixels from the top of the grid. */
	rowOf(index)
	{
		const section = this.sections.findLast((s) => s.first <= index);
		const row = section?.rows.findLast((r) => section.first + r.first <= index);

		return row ? { section, row, y: section.top + section.head + row.top } : null;
	}

	show(id)
	{
		const item = this.ids.has(id) && this.items.find((one) => one.id === id);
		const index = item ? this.numberOf(item) : -1;

		if (index < 0)
			return;
		this.bring(index);
		this.focusId = id;
		this.render();
	}

	/* Scrolls until a number is well in view. */
	bring(index)
	{
		const place = this.rowOf(index);

		this.measure();
		if (place && (place.y < this.top() + EDGE ||
		    place.y + place.row.height > this.top() + this.viewport - EDGE))
			this.goTo(place.y - this.viewport / 3);
		this.measure();
	}

	focus(id)
	{
		this.show(id);
		this.tiles.get(id)?.anchor.focus({ preventScroll: true });
	}

	focused(event)
	{
		const tile = event.target.closest('.tile')?.tile;

		if (tile) {
			const old = this.tiles.get(this.focusId);
			if (old)
				old.anchor.tabIndex = -1;
			this.focusId = tile.item.id;
			tile.anchor.tabIndex = 0;
		}
	}

	click(event)
	{
		const tile = event.target.closest('.tile')?.tile;

		if (!tile || event.ctrlKey || event.metaKey)
			return;
		event.preventDefault();
		if (this.pressed) {
			this.pressed = false;
			return;
		}
		if (event.target.closest('.tick') || (this.selection?.size && event.detail) ||
		    (event.shiftKey && this.selection))
			this.pick(tile.item, event.shiftKey);
		else if (mediaKind(tile.item.kind).page)
			go('title', { id: tile.item.id });
		else
			goHere({ item: tile.item.id });
	}

	pick(item, extend)
	{
		this.selection?.toggle(item.id, extend);
	}

	press(event)
	{
		const tile = event.target.closest('.tile')?.tile;

		this.pressed = false;
		if (event.pointerType === 'mouse' || !tile || !this.selection)
			return;
		longPress(event, () => {
			this.pressed = true;
			this.selection.toggle(tile.item.id, false);
		});
	}

	key(event)
	{
		const tile = event.target.closest('.tile')?.tile;

		if (!tile || event.ctrlKey || event.metaKey || event.altKey)
			return;
		const index = this.numberOf(tile.item);
		let to = -1;

		switch (event.key) {
		case 'ArrowLeft': to = index - 1; break;
		case 'ArrowRight': to = index + 1; break;
		case 'ArrowUp': to = this.beside(index, -1); break;
		case 'ArrowDown': to = this.beside(index, 1); break;
		case 'Home': to = 0; break;
		case 'End': to = this.total() - 1; break;
		case ' ':
			event.preventDefault();
			this.pick(tile.item, event.shiftKey);
			return;
		default:
			return;
		}
		event.preventDefault();
		if (to >= 0 && to < this.total())
			this.reach(to, event.shiftKey ? tile.item.id : null);
	}

	total()
	{
		return this.items.length;
	}

	numberOf(item)
	{
		return this.items.indexOf(item);
	}

	/* Moves the focus to an item by its number; from: an id from which on all are selected. */
	reach(number, from)
	{
		const { id } = this.items[number];

		if (from && this.selection)
			this.selection.range(from, id);
		this.focus(id);
	}

	/* Loads everything, for a selection of it. */
	async complete()
	{
		while (this.more && !this.dead && !this.tail.querySelector('.notice'))
			await this.next();
	}

	/* The item above or below: the one whose middle is nearest. */
	beside(index, step)
	{
		const rows = this.sections.flatMap((s) => s.rows.map((r) => ({ r,
		    first: s.first + r.first })));
		const at = rows.findLastIndex(({ first }) => first <= index);
		const to = rows[at + step];

		if (!to)
			return -1;
		const { r, first } = rows[at];
		const middle = r.lefts[index - first] + r.widths[index - first] / 2;
		const far = (i) => Math.abs(to.r.lefts[i] + to.r.widths[i] / 2 - middle);
		let best = 0;
		for (let i = 1; i < to.r.count; i++)
			if (far(i) < far(best))
				best = i;
		return to.first + best;
	}
}
