/* What is selected in a grid, and the bar with the actions for it. */
import { announce, fill, h, iconButton } from '../lib/dom.js';
import { many } from '../lib/format.js';

export class Selection {
	/* actions: [{icon, label, run(items)}], shown in the bar. */
	constructor(actions)
	{
		this.ids = new Set();
		this.actions = actions;
		this.text = h('strong');
		this.bar = h('section.selection-bar', { 'aria-label': 'Selection', hidden: true });
		fill(this.bar, iconButton('close', 'Clear selection', () => this.clear()),
		    this.text, h('div.grow'), actions.map(({ icon, label, run }) => iconButton(icon,
		    label, () => run(this.items()))));
		this.onkey = (event) => {
			if (event.key === 'Escape' && this.size &&
			    !document.querySelector('dialog[open], .lightbox'))
				this.clear();
		};
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
		return this.grid.items.filter((item) => this.ids.has(item.id));
	}

	toggle(id, extend)
	{
		if (extend && this.last) {
			this.range(this.last, id);
		} else {
			this.mark(id, !this.ids.has(id));
			this.last = id;
		}
		this.tell();
	}

	/* Everything between two items, in the order of the grid. */
	range(a, b)
	{
		const list = this.grid.items;
		const ends = [a, b].map((id) => list.findIndex((item) => item.id === id));

		for (let i = Math.max(0, Math.min(...ends)); i <= Math.max(...ends); i++)
			this.mark(list[i].id, true);
		this.last = b;
		this.tell();
	}

	mark(id, on)
	{
		if (on)
			this.ids.add(id);
		else
			this.ids.delete(id);
		this.grid.tiles.get(id)?.select(on);
	}

	all()
	{
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
		this.last = null;
		this.tell();
	}

	tell()
	{
		this.text.textContent = `${many(this.size, 'item')} selected`;
		if (this.bar.hidden !== !this.size)
			announce(this.size ? this.text.textContent : 'Nothing selected');
		this.bar.hidden = !this.size;
		document.body.classList.toggle('selecting', this.size > 0);
	}
}
