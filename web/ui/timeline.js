/*
 * The grid of all of time: it is as high as the counts of its days say, and loads any part of it
 * when it comes into view. A section is a day, or a few of them. What browsers cannot make as high
 * as that is a window on it: the document moves along as far as it goes (see top()).
 */
import { again } from '../lib/again.js';
import { api } from '../lib/api.js';
import { announce, fill, h, icon } from '../lib/dom.js';
import { clockOf, compare, dayOfItem, daysOf, pack } from '../lib/days.js';
import { many } from '../lib/format.js';
import { justify } from '../lib/justify.js';
import { list } from '../lib/media.js';
import { BELOW, GAP, Grid, HEADING, heightOf } from './grid.js';
import { notice } from './notice.js';

const PAGE = 100;
const HIGHEST = 8e6;       /* CSS pixels that every browser can make an element high */
const JUMP = 3;            /* viewports: who moves farther than that at once goes to a place */
const STILL_MS = 150;      /* after which nobody is scrolling any more */
const RECOUNT_MS = 1000;
const AHEAD = 1500;        /* CSS pixels around the viewport that are loaded */
const NEAR_END = 10;       /* items before a gap where the viewer asks the server for neighbours */
const UNSEEN = { kind: 'image', width: 4, height: 3 }; /* the shape of what is not loaded yet */

const placeOf = (sections, test) => {
	let [low, high] = [0, sections.length];

	while (low < high) {
		const middle = (low + high) >> 1;

		if (test(sections[middle]))
			high = middle;
		else
			low = middle + 1;
	}
	return low; /* the first that passes */
};

export class Timeline extends Grid {
	/*
	 * query(): of the list, in the order of the date taken. name: under which the place is kept
	 * in this tab.
	 */
	constructor(options)
	{
		super({ ...options, compare });
	}

	start()
	{
		this.days = [];        /* [{date, n, items, done, cursor}], the newest first */
		this.byDate = new Map();
		this.blanks = new Map();
		this.missed = new Map(); /* id -> an item that may have changed during a request */
		this.physical = 0;     /* where the document was, for top() */
		this.count = 0;
		this.failures = 0;
		this.aim = this.remembered();
		/* who begins at the top need not wait for the counts first */
		this.newest = this.aim ? null : list(this.query()).catch(() => null);
		addEventListener('pagehide', this.leave = () => this.remember());
	}

	destroy()
	{
		clearTimeout(this.wanting);
		clearTimeout(this.counting);
		clearTimeout(this.still);
		removeEventListener('pagehide', this.leave);
		this.remember();
		super.destroy();
	}

	/* The counts; not a page, as of other grids. */
	async next()
	{
		if (this.loading || !this.more || this.dead)
			return;
		this.loading = true;
		try {
			await this.recount();
			const newest = await this.newest;
			this.newest = null;
			if (this.dead)
				return;
			this.more = false;
			this.loading = false;
			fill(this.tail);
			this.layout();
			if (newest && this.days.length)
				this.takeNewest(newest);
			this.land();
		} catch (problem) {
			this.loading = false;
			if (!this.dead && problem.name !== 'AbortError')
				fill(this.tail, notice(problem, this.retry));
		}
	}

	/* Counts again; days that have another number of items than before are loaded again. */
	async recount()
	{
		const { sort, ...query } = this.query();
		const answer = await api.get('/media/months', { ...query, days: true },
		    { patient: true });

		this.days = daysOf(answer).map(({ date, n }) => {
			const day = this.byDate.get(date) ?? { date, items: [], done: false };

			day.done &&= day.items.length === n;
			day.n = Math.max(n, day.items.length);
			return day;
		});
		this.byDate = new Map(this.days.map((day) => [day.date, day]));
		this.collect();
	}

	/* After a change of what is loaded. */
	collect()
	{
		this.flat = null;
		this.ids = new Set(this.items.map((item) => item.id));
		this.built = false;
	}

	get items()
	{
		return this.flat ??= this.days.flatMap((day) => day.items);
	}

	set items(list) {} /* of the class above */

	async reload()
	{
		try {
			await this.recount();
			this.days.forEach((day) => {
				day.done = false;
				day.cursor = null;
			});
			this.layout();
		} catch {
			/* the next event or reload brings the rest */
		}
	}

	/* --- sections and their heights ---------------------------------------------------- */

	build()
	{
		this.sections = pack(this.days);
		let first = 0;
		for (const section of this.sections) {
			section.first = first;
			section.head = HEADING;
			section.days.forEach((day) => {
				day.section = section;
			});
			first += section.n;
		}
		this.count = first;
		this.built = true;
	}

	layout()
	{
		const width = this.space.clientWidth;

		if (!width || this.more)
			return;
		const anchor = this.anchor();
		if (!this.built)
			this.build();
		if (width !== this.width)
			this.sections.forEach((section) => {
				section.rows = null;
			});
		this.width = width;
		this.target = heightOf(width);
		const sample = justify(Array(40).fill(UNSEEN), width, this.target, GAP).rows[0];
		for (const section of this.sections)
			if (!section.rows)
				section.height = HEADING + Math.ceil(section.n / sample.count) *
				    (sample.height + GAP);
		this.stack();
		if (!this.loading)
			fill(this.tail, this.sections.length ? null : this.empty?.());
		this.measure();
		this.hold(anchor);
		this.render();
		this.onlayout?.(this);
	}

	/* Sections lie below each other. */
	stack()
	{
		let top = 0;

		for (const section of this.sections) {
			section.top = top;
			top += section.height + BELOW;
		}
		this.height = top;
		this.space.style.setProperty('height', `${Math.min(top, HIGHEST)}px`);
	}

	measured(section)
	{
		const cells = section.days.flatMap((day) => [...day.items,
		    ...Array(Math.max(0, day.n - day.items.length)).fill(UNSEEN)]);
		const { rows, height } = justify(cells, this.width, this.target, GAP);

		Object.assign(section, { cells, rows });
		return HEADING + height;
	}

	cell(section, n)
	{
		const item = section.cells[n];

		return item === UNSEEN ? undefined : item;
	}

	visible(from, to)
	{
		const of = () => {
			const first = placeOf(this.sections, (s) => s.top + s.height >= from);
			const end = placeOf(this.sections, (s) => s.top > to);

			return this.sections.slice(first, end);
		};
		const anchor = this.anchor();
		let moved = false;
		for (const section of of()) {
			if (section.rows)
				continue;
			const height = this.measured(section);
			moved ||= Math.abs(height - section.height) > 0.5;
			section.height = height;
		}
		if (!moved)
			return of();
		const before = this.top();
		this.stack();
		this.hold(anchor);
		return this.visible(from + this.top() - before, to + this.top() - before);
	}

	/* What is at the viewport's top: a day and how far below it the top is. */
	anchor()
	{
		const top = this.sections.length && this.width ? this.top() : 0;
		const section = top > 0 ? this.sections[placeOf(this.sections,
		    (s) => s.top + s.height + BELOW > top)] : null;
		if (!section)
			return null;
		const row = section.rows?.find((r) => section.top + section.head + r.top +
		    r.height > top);
		const item = row && this.cell(section, row.first);
		return { date: section.days[0].date, inside: top - section.top,
		    part: (top - section.top) / section.height, id: item?.id ?? null,
		    number: row ? row.first : null,
		    below: row ? top - section.top - section.head - row.top : 0 };
	}

	/* What was at the viewport's top is there again. */
	hold(anchor)
	{
		const section = anchor && this.sectionOf(anchor.date);

		if (!section)
			return;
		const y = this.heightAt(section, anchor);
		if (Math.abs(y - this.top()) > 0.5)
			this.goTo(y);
	}

	sectionOf(date)
	{
		return this.byDate.get(date)?.section ??
		    this.sections[placeOf(this.sections, (s) => s.days.at(-1).date <= date)];
	}

	heightAt(section, { id, number, below, inside })
	{
		const cells = section.rows ? section.cells : [];
		const known = id ? cells.findIndex((item) => item.id === id) : -1;
		const at = known >= 0 ? known : number;
		const row = at === null ? null : section.rows?.findLast((r) => r.first <= at);

		return row ? section.top + section.head + row.top + below :
		    section.top + Math.min(inside, section.height);
	}

	/* --- the window on what is higher than a document --------------------------------- */

	goTo(top)
	{
		this.measure();
		const far = Math.max(0, this.height - this.viewport);
		const to = Math.min(Math.max(0, top), far);
		const room = Math.max(1, Math.min(this.height, HIGHEST) - this.viewport);

		this.physical = this.height > HIGHEST ? (to / far) * room : to;
		scrollTo(0, this.offset + this.physical);
		this.measure();
		this.physical = this.y - this.offset;
		this.base = this.height > HIGHEST ? to - this.physical : 0;
	}

	scrolled()
	{
		this.measure();
		const y = this.y - this.offset;
		const far = this.height - this.viewport;
		const room = HIGHEST - this.viewport;

		if (this.height > HIGHEST) {
			if (Math.abs(y - this.physical) > JUMP * this.viewport)
				this.base = (y / room) * far - y;
			this.base = y <= 0 ? 0 : y >= room - 1 ? far - y :
			    Math.min(Math.max(this.base, -y), far - y);
		}
		this.physical = y;
		clearTimeout(this.still);
		this.still = setTimeout(() => this.stopped(), STILL_MS);
	}

	stopped()
	{
		if (this.dead)
			return;
		if (this.height > HIGHEST) {
			this.goTo(this.top());
			this.render();
		}
		this.remember();
	}

	/* --- loading ---------------------------------------------------------------------- */

	lack()
	{
		const fast = Math.abs(this.top() - (this.before ?? 0)) > this.viewport;

		this.before = this.top();
		clearTimeout(this.wanting);
		this.wanting = setTimeout(() => this.fill().catch(() => {}),
		    fast ? STILL_MS / 2 : 0);
	}

	/* One request for what is seen and not there, or near it; resolves to whether there was. */
	fill(days = this.lacking())
	{
		return this.filling ??= this.fillOnce(days).finally(() => {
			this.filling = null;
		});
	}

	lacking()
	{
		const within = (from, to) => this.sections.slice(
		    placeOf(this.sections, (s) => s.top + s.height >= from),
		    placeOf(this.sections, (s) => s.top > to)).flatMap((s) => s.days);
		const [top, bottom] = [this.top(), this.top() + this.viewport];
		const open = (days) => days.find((day) => !day.done);
		const first = open(within(top, bottom)) ?? open(within(bottom, bottom + AHEAD));
		if (first)
			return this.following(first);
		const above = within(top - AHEAD, top).findLast((day) => !day.done);
		let at = above ? this.days.indexOf(above) : 0;
		for (let n = above?.n ?? 0; at > 0 && !this.days[at - 1].done &&
		    n + this.days[at - 1].n <= PAGE; at--)
			n += this.days[at - 1].n;
		return above ? this.following(this.days[at]) : [];
	}

	/* A page of days from one on. */
	following(first)
	{
		const days = [];

		for (let i = this.days.indexOf(first), n = 0; i < this.days.length && n < PAGE &&
		    !this.days[i].done; n += this.days[i++].n)
			days.push(this.days[i]);
		return days;
	}

	async fillOnce(days)
	{
		if (this.dead || !days.length)
			return false;
		try {
			const page = await list({ ...this.query(), takenTo: days[0].date,
			    takenFrom: days.at(-1).date, cursor: days[0].cursor ?? null });
			if (this.dead)
				return false;
			this.failures = 0;
			this.take(days, page);
		} catch (problem) {
			if (this.dead || problem.name === 'AbortError')
				return false;
			/* The connection banner says so. */
			again(() => this.fill().catch(() => {}), this.failures++);
			throw problem;
		}
		return true;
	}

	/* The first page of all days. A day that it ends within goes on with a page of its own. */
	takeNewest({ items, next })
	{
		const days = this.following(this.days[0]);
		const last = next && items.length ? dayOfItem(items.at(-1)) : null;
		const whole = days.filter(({ date }) => !last || date > last);

		if (whole.length)
			this.take(whole, { items, next: null });
	}

	take(days, { items, next })
	{
		const by = new Map(days.map((day) => [day.date, []]));

		for (const item of items)
			if (this.accept(item))
				by.get(dayOfItem(item))?.push(item);
		const until = next && items.length ? dayOfItem(items.at(-1)) : null;
		for (const day of days) {
			if (until && day.date < until)
				break; /* they come with the next page */
			const got = by.get(day.date);
			day.items = day.cursor ? [...day.items, ...got] : got;
			day.done = day.date !== until;
			day.cursor = day.done ? null : next;
			day.n = day.done ? day.items.length : Math.max(day.n, day.items.length + 1);
			day.section.rows = null;
		}
		const anchor = this.anchor();
		const packs = days.some((day) => day.n !== this.counted(day));
		this.days = this.days.filter((day) => day.n);
		this.byDate = new Map(this.days.map((day) => [day.date, day]));
		this.collect();
		this.built = !packs;
		days.forEach((day) => {
			if (day.section.cells && this.built)
				day.section.height = this.measured(day.section);
		});
		this.layout();
		this.hold(anchor);
		this.land();
		for (const [id, item] of this.missed) {
			if (this.byDate.get(dayOfItem(item))?.done === false)
				continue;
			this.missed.delete(id);
			this.insert(item);
		}
	}

	/* How many items its section was made for. */
	counted(day)
	{
		const was = day.was ?? day.n;

		day.was = day.n;
		return was;
	}

	/* Loads all of some days; more than a page takes a moment. */
	async whole(days)
	{
		for (let open = days.filter((day) => !day.done); open.length && !this.dead;
		    open = days.filter((day) => !day.done)) {
			if (open.length > 1 || open[0].n > PAGE)
				announce('Loading…');
			await this.filling;
			await this.fill(this.following(open[0]));
		}
	}

	async complete()
	{
		await this.first;
		await this.whole(this.days);
	}

	/* --- what changes ----------------------------------------------------------------- */

	insert(item)
	{
		if (this.more || this.ids.has(item.id) || !this.accept(item))
			return;
		const day = this.byDate.get(dayOfItem(item));
		if (!day?.done) {
			/* it may be counted already */
			this.counting ??= setTimeout(() => {
				this.counting = null;
				this.recount().then(() => this.later(), () => {});
			}, RECOUNT_MS);
			return;
		}
		const at = day.items.findIndex((other) => compare(item, other) < 0);
		day.items.splice(at < 0 ? day.items.length : at, 0, item);
		day.n++;
		this.collect();
		this.later();
	}

	changed(item)
	{
		if (!this.ids.has(item.id)) {
			/* it may belong here now; what is not loaded comes with its day */
			if (this.byDate.get(dayOfItem(item))?.done === false)
				this.missed.set(item.id, item);
			else
				this.insert(item);
			return;
		}
		const day = this.days.find(({ items }) => items.includes(item));
		const at = day.items.indexOf(item);
		const off = (i, j) => i >= 0 && j < day.items.length &&
		    compare(day.items[i], day.items[j]) > 0;

		if (!this.accept(item)) {
			this.remove(item.id);
		} else if (day.date !== dayOfItem(item) || off(at - 1, at) || off(at, at + 1)) {
			const picked = this.selection?.has(item.id);

			this.remove(item.id);
			this.insert(item);
			if (picked)
				this.selection.mark(item.id, true);
		} else {
			this.tiles.get(item.id)?.update();
			day.section.rows = null;
			this.later();
		}
	}

	remove(id)
	{
		this.missed.delete(id);
		this.selection?.drop(id);
		if (!this.ids.has(id))
			return;
		const day = this.days.find(({ items }) => items.some((item) => item.id === id));
		day.items = day.items.filter((item) => item.id !== id);
		day.n--;
		if (!day.n) {
			this.days = this.days.filter((other) => other !== day);
			this.byDate.delete(day.date);
		}
		this.collect();
		this.later();
	}

	/* --- moving about ----------------------------------------------------------------- */

	total()
	{
		return this.count;
	}

	numberOf(item)
	{
		const section = item && this.byDate.get(dayOfItem(item))?.section;

		return section?.cells ? section.first + section.cells.indexOf(item) : -1;
	}

	rowOf(number)
	{
		const section = this.sections[placeOf(this.sections,
		    (s) => s.first + s.n > number)];

		if (!section)
			return null;
		if (!section.rows) {
			section.height = this.measured(section);
			this.stack();
		}
		const row = section.rows.findLast((r) => section.first + r.first <= number);
		return { section, row, y: section.top + section.head + row.top };
	}

	async reach(number, from)
	{
		const there = () => {
			const { section } = this.rowOf(number);
			return this.cell(section, number - section.first);
		};

		this.bring(number);
		this.render();
		/* what is there is reached at once: keys repeat faster than promises resolve */
		let item = there();
		if (!item) {
			await this.whole(this.rowOf(number).section.days);
			item = there();
		}
		if (!item || this.dead)
			return;
		if (from && this.selection)
			this.selection.range(from, item.id);
		this.focus(item.id);
	}

	beside(index, step)
	{
		const { section, row } = this.rowOf(index);
		const rows = (number) => this.rowOf(number);
		const edge = step < 0 ? section.first + row.first - 1 :
		    section.first + row.first + row.count;
		if (edge < 0 || edge >= this.count)
			return -1;
		const to = rows(edge);
		const n = index - section.first - row.first;
		const middle = row.lefts[n] + row.widths[n] / 2;
		const far = (i) => Math.abs(to.row.lefts[i] + to.row.widths[i] / 2 - middle);
		let best = 0;
		for (let i = 1; i < to.row.count; i++)
			if (far(i) < far(best))
				best = i;
		return to.section.first + to.row.first + best;
	}

	/* What lies between two ends of a selection is loaded first. */
	async pick(item, extend)
	{
		if (extend && this.selection?.last) {
			const ends = [item, this.items.find(({ id }) => id === this.selection.last)]
			    .map((one) => (one ? dayOfItem(one) : dayOfItem(item))).sort();
			await this.whole(this.days.filter(({ date }) => date >= ends[0] &&
			    date <= ends[1]));
		}
		super.pick(item, extend);
	}

	heading(section, id)
	{
		const days = () => this.byDate.get(section.key)?.section?.days ?? section.days;
		const button = h('button.day-tick', { type: 'button',
		    'aria-label': `Select ${section.label}`,
		    onclick: async () => {
			    await this.whole(days());
			    const items = days().flatMap((day) => day.items);
			    const on = !items.every((item) => this.selection.has(item.id));

			    items.forEach((item) => this.selection.mark(item.id, on));
			    this.selection.tell();
			    announce(`${many(items.length, 'item')} of ${section.label} ` +
				`${on ? 'selected' : 'not selected'}`);
		    } }, icon('check'));

		return h('div.day', null, h('h2', { id }, section.label),
		    this.selection ? button : null);
	}

	/* Blank places stand where items are not loaded yet. */
	draw(element, section, rows)
	{
		super.draw(element, section, rows);
		for (const row of rows) {
			const n = Array.from({ length: row.count }, (_, i) => i).find((i) =>
			    !this.cell(section, row.first + i));
			const key = `${section.key}:${row.first}`;
			const blank = this.blanks.get(key);

			if (n === undefined) {
				blank?.remove();
				this.blanks.delete(key);
				continue;
			}
			const node = blank ?? h('div.blank', { 'aria-hidden': 'true' });
			node.style.setProperty('left', `${row.lefts[n]}px`);
			node.style.setProperty('top', `${HEADING + row.top}px`);
			node.style.setProperty('height', `${row.height}px`);
			if (!blank)
				this.blanks.set(key, node);
			if (node.parentNode !== element.parentNode)
				element.parentNode.append(node);
		}
	}

	drop(shown)
	{
		const keys = new Set(shown.flatMap(({ section, rows }) => rows.map((row) =>
		    `${section.key}:${row.first}`)));

		for (const [key, node] of this.blanks)
			if (!keys.has(key)) {
				node.remove();
				this.blanks.delete(key);
			}
		super.drop(shown);
	}

	/* For the viewer: the loaded items around one, without a gap; none where one is near. */
	around(id)
	{
		const run = [];
		let found = false;

		for (const day of this.days) {
			run.push(...day.items);
			found ||= day.items.some((item) => item.id === id);
			if (day.done)
				continue;
			if (found)
				break;
			run.length = 0;
		}
		const at = run.findIndex((item) => item.id === id);
		const [first, last] = [run[0], run.at(-1)];
		const ends = found && (at >= NEAR_END || first === this.items[0] &&
		    this.days[0].done) && (run.length - at > NEAR_END ||
		    dayOfItem(last) === this.days.at(-1).date && this.days.at(-1).done);

		return { items: ends ? run : [], ids: this.ids, accept: this.accept, more: false,
		    first: this.first, next() {}, focus: (one) => this.focus(one) };
	}

	/* --- the place that a person comes back to ----------------------------------------- */

	remember()
	{
		if (this.more || !this.sections.length || this.aim)
			return;
		try {
			sessionStorage.setItem(this.name, JSON.stringify(this.anchor()));
		} catch {
			/* full or not allowed: then it begins at the top */
		}
	}

	remembered()
	{
		try {
			return JSON.parse(sessionStorage.getItem(this.name));
		} catch {
			return null;
		}
	}

	/* Goes to the place, and again when its items are there. */
	land()
	{
		const section = this.aim && this.sectionOf(this.aim.date);

		if (!section) {
			this.aim = null;
			return;
		}
		this.goTo(this.heightAt(section, this.aim));
		if (section.days.every((day) => day.done) && section.rows)
			this.aim = null;
		this.render();
	}

	/* The label of what is at a height. */
	labelAt(top)
	{
		return this.sections[Math.min(this.sections.length - 1,
		    placeOf(this.sections, (s) => s.top + s.height + BELOW > top))]?.label ?? '';
	}
}
