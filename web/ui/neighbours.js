/*
 * The items on both sides of one, in the order of a list: what the arrows lead to when the item was
 * opened by its address and lies where the grid has not come to.
 */
import { on } from '../lib/bus.js';
import { list } from '../lib/media.js';

export class Neighbours {
	/* query: the list's, without a place in it; accept(item): whether it belongs there */
	constructor(query, accept)
	{
		this.query = query;
		this.accept = accept;
		this.items = [];
		this.off = on('media-gone', ({ id }) => {
			this.items = this.items.filter((item) => item.id !== id);
		});
	}

	destroy()
	{
		this.off();
	}

	/* Loads a page of each side. */
	async open(item)
	{
		this.items = [item];
		this.ends = { before: { before: item.id }, after: { after: item.id } };
		await Promise.all([this.more('before'), this.more('after')]);
	}

	/* Loads on at one side, 'before' or 'after'. */
	async more(side)
	{
		const from = this.ends[side];

		if (!from)
			return;
		this.ends[side] = null; /* one request at a time */
		try {
			const page = await list({ ...this.query, ...from });
			const got = page.items.filter((item) => this.accept(item) &&
			    !this.items.includes(item));

			this.items = side === 'after' ? [...this.items, ...got] :
			    [...got.reverse(), ...this.items];
			this.ends[side] = page.next ? { cursor: page.next } : null;
		} catch (problem) {
			this.ends[side] = from;
			throw problem;
		}
	}
}
