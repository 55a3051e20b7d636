/*
 * What is to be played, and in which order: ids, the place of the one that plays, shuffle and
 * repeat. It knows nothing of sound.
 */

/* A new order of a list, each as likely as any other. */
function
shuffled(list)
{
	const left = [...list];

	for (let n = left.length - 1; n > 0; n--) {
		const other = Math.floor(Math.random() * (n + 1));

		[left[n], left[other]] = [left[other], left[n]];
	}
	return left;
}

export const REPEATS = ['off', 'all', 'one'];

export class Queue {
	constructor({ ids = [], at = 0, plain = null, repeat = 'off' } = {})
	{
		this.ids = ids;
		this.at = ids.length ? Math.min(Math.max(0, at), ids.length - 1) : 0;
		this.plain = plain; /* while it is shuffled: the order without */
		this.repeat = REPEATS.includes(repeat) ? repeat : 'off';
	}

	get current()
	{
		return this.ids[this.at] ?? null;
	}

	get isShuffled()
	{
		return this.plain !== null;
	}

	get state()
	{
		const { ids, at, plain, repeat } = this;

		return { ids, at, plain, repeat };
	}

	/* Begins with another list, at one of them. */
	set(ids, first = ids[0])
	{
		const shuffle = this.isShuffled;

		this.ids = [...new Set(ids)];
		this.plain = null;
		this.at = Math.max(0, this.ids.indexOf(first));
		if (shuffle)
			this.shuffle(true);
	}

	/* Those that are there already move. `soon`: behind the one that plays, else at the end. */
	add(ids, soon)
	{
		const fresh = [...new Set(ids)].filter((id) => id !== this.current);
		const current = this.current;
		const put = (list) => {
			const rest = list.filter((id) => !fresh.includes(id));
			const where = soon && current ? rest.indexOf(current) + 1 : rest.length;

			return [...rest.slice(0, where), ...fresh, ...rest.slice(where)];
		};

		this.ids = put(this.ids);
		if (this.plain)
			this.plain = put(this.plain);
		this.at = Math.max(0, this.ids.indexOf(current));
	}

	/* Whether it was the one that plays; the next one has its place then. */
	remove(id)
	{
		const where = this.ids.indexOf(id);
		const was = where === this.at;

		if (where < 0)
			return false;
		this.ids.splice(where, 1);
		this.plain = this.plain?.filter((other) => other !== id) ?? null;
		if (where < this.at)
			this.at--;
		if (this.at >= this.ids.length)
			this.at = 0;
		return was;
	}

	move(from, to)
	{
		const current = this.current;

		if (from === to || !this.ids[from] || !this.ids[to])
			return;
		this.ids.splice(to, 0, ...this.ids.splice(from, 1));
		this.at = this.ids.indexOf(current);
	}

	/* The one that plays becomes the first, and all others follow it. */
	shuffle(on)
	{
		const current = this.current;

		if (on === this.isShuffled)
			return;
		if (on) {
			this.plain = this.ids;
			this.ids = shuffled(this.ids.filter((id) => id !== current));
			if (current)
				this.ids.unshift(current);
		} else {
			this.ids = this.plain;
			this.plain = null;
		}
		this.at = Math.max(0, this.ids.indexOf(current));
	}

	/* The place after the one that plays, or -1 at the end. `ended`: it played to its end. */
	after(ended)
	{
		if (!this.ids.length)
			return -1;
		if (ended && this.repeat === 'one')
			return this.at;
		if (this.at + 1 < this.ids.length)
			return this.at + 1;
		return this.repeat === 'off' ? -1 : 0;
	}

	before()
	{
		if (this.at > 0)
			return this.at - 1;
		return this.repeat === 'off' ? -1 : this.ids.length - 1;
	}
}
