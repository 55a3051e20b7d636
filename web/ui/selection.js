/* What is selected in a grid, and the bar with the actions for it. */
import { announce, fill, h, iconButton, typing } from '../lib/dom.js';
import { many } from '../lib/format.js';

export class Selection {
	/*
	 * actions: [{icon, label, run(items), may(item)?, key?}], shown in the bar while there is
	 * an item that they may be done with, and run with those. key: what runs it from the
	 * keyboard. rare: where there is little room, it is in the menu of 'More actions'.
	 */
	constructor(actions)
	{
		this.ids = new Set();
		this.far = new Map(); /* id -> what is known of one that is not loaded */
		this.actions = actions;
		this.text = h('strong');
		this.bar = h('section.selection-bar', { 'aria-label': 'Selection', hidden: true });
		fill(this.bar, iconButton('close', 'Clear selection', () => this.clear()),
		    this.text, h('div.grow'), this.buttons = actions.map((action) => iconButton(
		    action.icon, action.label, () => this.run(action), {
			'data-rare': action.rare || null })));
		this.onkey = (event) => {
			const action = actions.find(({ key }) => key === event.key);

			if (!this.size || typing(event.target) ||
			    document.querySelector('dialog[open], .lightbox, :popover-open'))
				return;
			if (event.key === 'Escape')
				this.clear();
			else if (action && this.fitting(action).length)
				this.run(action);
		};
	}

	fitting({ may })
	{
		return may ? this.items().filter(may) : this.items();
	}

	run(action)
	{
		action.run(this.fitting(action));
	}

	attach(grid)
	{
		this.grid = grid;
		addEventListener('keydown', this.onkey);
		document.body.append(this.bar);
	}

	detach()
	{
		removeEventListener('keydown', this.onkey);
		this.bar.remove();
	}

	get size()
	{
		return this.ids.size;
	}

	has(id)
	{
		return this.ids.has(id);
	}

	items()
	{
		return [...this.grid.items, ...[...this.far.values()].filter(({ id }) =>
		    !this.grid.ids.has(id))].filter(({ id }) => this.ids.has(id));
	}

	toggle(id, extend)
	{
		if (extend && this.last) {
			this.range(this.last, id);
		} else {
			this.mark(id, !this.ids.has(id));
			this.last = id;
			this.anchor = null;
		}
		this.tell();
	}

	/*
	 * From a to b, in the order of the grid. A range that goes on from its end keeps its
	 * beginning: on the way back it takes along what only it had selected.
	 */
	range(a, b)
	{
		if (!this.anchor || a !== this.last) {
			this.anchor = a;
			this.before = new Set(this.ids);
		}
		this.between(this.anchor, a).forEach((id) => this.mark(id, this.before.has(id)));
		this.between(this.anchor, b).forEach((id) => this.mark(id, true));
		this.last = b;
		this.tell();
	}

	between(a, b)
	{
		const list = this.grid.items;
		const ends = [a, b].map((id) => list.findIndex((item) => item.id === id));

		return list.slice(Math.max(0, Math.min(...ends)), Math.max(...ends) + 1)
		    .map((item) => item.id);
	}

	mark(id, on)
	{
		if (on)
			this.ids.add(id);
		else
			this.ids.delete(id);
		this.grid.tiles.get(id)?.select(on);
	}

	/* far: id -> {id, kind, source, ownerId, favorite, archived} of all there is */
	all(far)
	{
		this.far = far;
		far.forEach((item, id) => this.ids.add(id));
		this.grid.items.forEach((item) => this.mark(item.id, true));
		this.tell();
	}

	drop(id)
	{
		if (this.ids.delete(id))
			this.tell();
	}

	clear()
	{
		[...this.ids].forEach((id) => this.mark(id, false));
		this.far = new Map();
		this.last = null;
		this.anchor = null;
		this.tell();
	}

	tell()
	{
		this.text.textContent = `${many(this.size, 'item')} selected`;
		if (this.bar.hidden !== !this.size)
			announce(this.size ? this.text.textContent : 'Nothing selected');
		this.bar.hidden = !this.size;
		const items = this.items();
		this.buttons.forEach((button, i) => {
			button.hidden = !items.some(this.actions[i].may ?? Boolean);
		});
		document.body.classList.toggle('selecting', this.size > 0);
	}
}
