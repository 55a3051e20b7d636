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
import { notice } from './form.js';
import { Tile } from './tile.js';

const OVERSCAN = 700;      /* CSS pixels above and below the viewport */
const LOAD_AHEAD = 2500;
const RELOAD_PAGES = 5;
const HEADING = 52;
const GAP = 4;
const NARROW = 640;
const LONG_PRESS_MS = 450;
const PRESS_SLIP = 8;

const skeleton = () => h('div.skeletons', { 'aria-hidden': 'true' }, Array.from({ length: 18 },
    (_, i) => h(`div.skeleton.s${i % 5}`)));

export class Grid {
	/*
	 * pager() returns load(), which returns {items, more} page by page. group(item) returns
	 * {key, label}; null for no headings. accept(item): whether it belongs here.
	 * compare: where a new item goes (without it, new items are not shown). selection: see
	 * selection.js. empty(): what to show when there is nothing.
	 */
	constructor({ pager, group, accept, compare, selection, empty, label, onlayout,
	    onscrolled })
	{
		Object.assign(this, { pager, load: pager(), group, accept, compare, selection,
		    empty, onlayout, onscrolled });
		this.items = [];
		this.ids = new Set();
		this.sections = [];
		this.tiles = new Map();
		this.elements = new Map();
		this.more = true;
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
		const target = width < NARROW ? Math.max(105, width / 3.3) :
		    Math.min(235, 150 + width / 16);
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
			top += head + height + (group.label ? 12 : 0);
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

		if (!this.kept && this.y > this.offset && y >= this.y - this.offset)
			this.kept = { id: this.items[section.first + row.first].id, y };
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

	render()
	{
		const from = scrollY - this.measure() - OVERSCAN;
		const to = from + this.viewport + 2 * OVERSCAN;
		const seen = new Set();
		const seenSections = new Set();

		if (this.dead)
			return;
		this.kept = null;
		for (const section of this.sections) {
			if (section.top > to || section.top + section.height < from)
				continue;
			const list = this.section(section);
			seenSections.add(section.key);
			for (const row of section.rows) {
				const y = section.top + section.head + row.top;
				if (y > to || y + row.height < from)
					continue;
				this.keep(section, row);
				for (let i = 0; i < row.count; i++) {
					const item = this.items[section.first + row.first + i];
					const tile = this.tile(item, list, row.lefts[i], row.top,
					    row.widths[i], row.height);
					seen.add(item.id);
					tile.anchor.tabIndex = item.id === this.focusId ? 0 : -1;
				}
			}
		}
		for (const [id, tile] of this.tiles)
			if (!seen.has(id) &&
			    (!tile.node.contains(document.activeElement) || !this.ids.has(id))) {
				tile.node.remove();
				this.tiles.delete(id);
			}
		for (const [key, element] of this.elements)
			if (!seenSections.has(key) && !element.contains(document.activeElement)) {
				element.remove();
				this.elements.delete(key);
			}
		if (!seen.has(this.focusId)) {
			const first = this.space.querySelector('.tile-link');
			if (first)
				first.tabIndex = 0;
		}
		if (this.more && !this.loading && !this.tail.querySelector('.notice') &&
		    to - OVERSCAN + LOAD_AHEAD > this.height)
			this.next();
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
			    section.label ? h('h2', { id }, section.label) : null, h('ul'));
			element.order = section.first;
			const after = [...this.space.children].find((other) => other.order >
			    section.first);
			this.space.insertBefore(element, after ?? null);
			this.elements.set(section.key, element);
		}
		element.style.setProperty('top', `${section.top}px`);
		element.style.setProperty('height', `${section.height}px`);
		return element.lastChild;
	}

	tile(item, list, left, top, width, height)
	{
		let tile = this.tiles.get(item.id);

		if (!tile) {
			tile = new Tile(item);
			tile.select(this.selection?.has(item.id) ?? false);
			this.tiles.set(item.id, tile);
		}
		if (tile.node.parentNode !== list)
			list.append(tile.node);
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
		const index = this.items.findIndex((item) => item.id === id);
		const place = index < 0 ? null : this.rowOf(index);

		if (!place)
			return;
		const y = this.measure() + place.y;
		if (y < scrollY + 80 || y + place.row.height > scrollY + innerHeight - 80)
			scrollTo(0, y - innerHeight / 3);
		this.focusId = id;
		this.render();
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
			this.selection?.toggle(tile.item.id, event.shiftKey);
		else if (mediaKind(tile.item.kind).page)
			go('title', { id: tile.item.id });
		else
			goHere({ item: tile.item.id });
	}

	press(event)
	{
		const tile = event.target.closest('.tile')?.tile;

		this.pressed = false;
		if (event.pointerType === 'mouse' || !tile || !this.selection)
			return;
		const stop = () => {
			clearTimeout(timer);
			['pointerup', 'pointercancel', 'pointermove'].forEach((type) =>
			    removeEventListener(type, moved));
		};
		const moved = (e) => {
			if (e.type !== 'pointermove' ||
			    Math.hypot(e.clientX - event.clientX, e.clientY - event.clientY) >
				PRESS_SLIP)
				stop();
		};
		const timer = setTimeout(() => {
			stop();
			this.pressed = true;
			navigator.vibrate?.(15);
			this.selection.toggle(tile.item.id, false);
		}, LONG_PRESS_MS);

		['pointerup', 'pointercancel', 'pointermove'].forEach((type) => addEventListener(
		    type, moved));
	}

	key(event)
	{
		const tile = event.target.closest('.tile')?.tile;

		if (!tile || event.ctrlKey || event.metaKey || event.altKey)
			return;
		const index = this.items.indexOf(tile.item);
		let to = -1;

		switch (event.key) {
		case 'ArrowLeft': to = index - 1; break;
		case 'ArrowRight': to = index + 1; break;
		case 'ArrowUp': to = this.beside(index, -1); break;
		case 'ArrowDown': to = this.beside(index, 1); break;
		case 'Home': to = 0; break;
		case 'End': to = this.items.length - 1; break;
		case ' ':
			event.preventDefault();
			this.selection?.toggle(tile.item.id, event.shiftKey);
			return;
		default:
			return;
		}
		event.preventDefault();
		if (to >= 0 && to < this.items.length) {
			if (event.shiftKey && this.selection)
				this.selection.range(tile.item.id, this.items[to].id);
			this.focus(this.items[to].id);
		}
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
