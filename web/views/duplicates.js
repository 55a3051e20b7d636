/*
 * What the person has twice: groups of items with the same bytes, and of pictures that look alike.
 * One of a group is kept, the others go to the trash.
 */
import { again } from '../lib/again.js';
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { bytes, count, dayOf, many } from '../lib/format.js';
import { LISTED, remember, thumbnail } from '../lib/media.js';
import { go, link } from '../lib/router.js';
import { mayTrash } from '../lib/session.js';
import { trashWithUndo } from '../ui/actions.js';
import { notice } from '../ui/form.js';
import { showPicture } from '../ui/picture.js';

const SHOWN = 220; /* width of a picture */
const PAGE = 20;
const KINDS = [['bytes', 'Identical files'], ['look', 'Similar pictures']];

const pixels = (item) => (item.width ? `${count(item.width)} × ${count(item.height)}` : null);

/* The one that people mostly keep: the largest picture, then the largest file, then the oldest. */
export const best = (items) => [...items].sort((a, b) =>
    (b.width ?? 0) * (b.height ?? 0) - (a.width ?? 0) * (a.height ?? 0) || b.size - a.size ||
    a.createdAt.localeCompare(b.createdAt))[0];

function
candidate(item, isBest, keep)
{
	const picture = h('img', { alt: '', loading: 'lazy', decoding: 'async' });
	const facts = [pixels(item), bytes(item.size), dayOf(item.takenAt ?? item.createdAt)];

	if (thumbnail(item, SHOWN))
		showPicture(picture, item.id, () => thumbnail(item, SHOWN));
	return h('li.twin', null,
	    h('a.twin-picture', { href: link('duplicates', { item: item.id }),
		'aria-label': `Show ${item.filename ?? item.title}` },
		thumbnail(item, SHOWN) ? picture : icon('file')),
	    h('strong', { title: item.filename ?? item.title }, item.filename ?? item.title),
	    h('small.muted', null, facts.filter(Boolean).join(' · ')),
	    mayTrash(item) ? h(isBest ? 'button.primary' : 'button',
		{ type: 'button', 'aria-label': `Keep this one: ${item.filename ?? item.title}`,
		    onclick: () => keep(item) }, 'Keep this one') : null);
}

/* One group; it disappears when fewer than two are left, and is back when they are restored. */
class Group {
	constructor(group, changed)
	{
		this.items = group.items.map(remember);
		this.count = group.count;
		this.node = h('section.twins', { 'aria-label': 'Duplicates' });
		this.changed = changed;
		this.draw();
	}

	/* True if the item, which has changed, is of this group. */
	take(item)
	{
		const at = this.items.findIndex(({ id }) => id === item.id);

		if (at < 0)
			return false;
		this.items[at] = item;
		this.draw();
		return true;
	}

	left()
	{
		return this.items.filter(({ status }) => status === 'ready');
	}

	draw()
	{
		const left = this.left();
		const chosen = left.length ? best(left) : null;

		this.node.hidden = left.length < 2;
		if (this.node.hidden)
			return;
		fill(this.node,
		    h('h2', null, `${many(Math.max(left.length, this.count -
			(this.items.length - left.length)), 'item')}`),
		    h('ul', null, left.map((item) => candidate(item, item === chosen,
			(kept) => this.keep(kept)))));
	}

	async keep(kept)
	{
		await trashWithUndo(this.left().filter((item) => item !== kept));
		this.draw();
		this.changed();
	}
}

export function
mount(root, params)
{
	const list = h('div.twin-groups');
	const more = h('button.more', { type: 'button', hidden: true, onclick: () => load() },
	    'Show more');
	const tabs = h('div.segments', { role: 'group', 'aria-label': 'What is the same' });
	const words = h('p.muted');
	let by = null;
	let groups = [];
	let cursor = null;
	let run = 0;
	let stop = () => {};
	const empty = h('div.empty', { hidden: true }, icon('check'),
	    h('h2', null, 'No duplicates'),
	    h('p', null, 'Nothing here is stored twice.'));
	const settle = () => {
		empty.hidden = cursor !== null || groups.some((group) => !group.node.hidden);
	};
	const load = async (tries = 0) => {
		const mine = ++run;

		stop();
		more.hidden = true;
		try {
			const answer = await api.get('/media/duplicates',
			    { by, cursor, limit: PAGE, thumbnails: LISTED }, { patient: true });
			if (mine !== run)
				return;
			const fresh = answer.items.map((group) => new Group(group, settle));
			list.querySelector('.notice')?.remove();
			groups.push(...fresh);
			list.append(...fresh.map((group) => group.node));
			cursor = answer.page.nextCursor;
			more.hidden = cursor === null;
			settle();
		} catch (problem) {
			if (mine !== run)
				return;
			list.querySelector('.notice')?.remove();
			list.append(notice(problem, () => load()));
			stop = again(() => load(tries + 1), tries);
		}
	};
	const update = ({ by: wanted }) => {
		const next = wanted === 'look' ? 'look' : 'bytes';

		fill(tabs, KINDS.map(([name, text]) => h('button', { type: 'button',
		    'aria-pressed': String(name === next),
		    onclick: () => go('duplicates', name === 'look' ? { by: name } : {}) }, text)));
		words.textContent = next === 'look' ?
		    'Pictures that look alike: other sizes or formats, or shots of one moment.' :
		    'Files that are the same in every byte.';
		if (next === by)
			return;
		by = next;
		groups = [];
		cursor = null;
		empty.hidden = true;
		fill(list);
		load();
	};
	const changed = ({ item }) => groups.forEach((group) => group.take(item) && settle());
	const offs = [on('media', changed), on('media-new', changed)];

	fill(root, h('h1', null, 'Duplicates'), tabs, words, list, empty, more);
	update(params);
	return {
		update,
		unmount() {
			run++;
			stop();
			offs.forEach((off) => off());
		},
	};
}
