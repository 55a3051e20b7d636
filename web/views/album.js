/* One album: its items, in its order, and what its people may do with it. */
import { Problem } from '../lib/api.js';
import { change, collection, leave, mayAdd, step } from '../lib/collections.js';
import { on } from '../lib/bus.js';
import { debounce, fill, h, icon } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { pager } from '../lib/media.js';
import { go } from '../lib/router.js';
import { can } from '../lib/session.js';
import { bulkActions } from '../ui/bulk.js';
import { ask } from '../ui/dialog.js';
import { notice, options } from '../ui/form.js';
import { Grid } from '../ui/grid.js';
import { ruleFields } from '../ui/rule.js';
import { Selection } from '../ui/selection.js';
import { shareDialog } from '../ui/share.js';
import { fail, toast } from '../ui/toast.js';

const SOON_MS = 400;
const SORTS = [['taken', 'By date'], ['manual', 'By hand']];

export function
mount(root, first)
{
	let params = first;
	let album = null;
	let grid = null;
	let selection = null;
	let stopDragging = null;
	let turn = 0;
	const title = h('h1', { tabindex: '-1' });
	const line = h('p.muted');
	const buttons = h('div.parts');
	const place = h('div.grid-place');
	const gone = () => {
		grid?.destroy();
		selection?.detach();
		grid = null;
		selection = null;
		album = null;
		title.textContent = 'Album not found';
		fill(line);
		fill(buttons);
		fill(place, h('div.notice', { role: 'alert' }, icon('album'),
		    h('p', null, 'It was deleted, or it is no longer shared with you.'),
		    h('button', { type: 'button', onclick: () => go('albums') }, 'Albums')));
	};
	const save = async (fields, said) => {
		try {
			show(await change(album, fields));
			if (said)
				toast(said);
		} catch (problem) {
			fail(problem, 'Not saved.');
			load();
		}
	};
	const share = async () => {
		const people = await shareDialog({ title: `Share “${album.title}”`, roles: true,
		    people: album.shared,
		    publicly: (dialogs) => dialogs.linkToAlbum(album),
		    text: album.kind === 'rule' ?
			'They see what it holds of your items, now and later.' :
			'They see its items as long as these are in the album.' });

		if (people)
			save({ shared: people.map(({ userId, may }) => ({ userId, may })) },
			    people.length ?
				`Shared with ${many(people.length, 'person', 'people')}` :
				'Not shared any more');
	};
	const publicLink = () => import('../ui/public-link.js').then(
	    (module) => module.linkToAlbum(album), () => fail(new Problem(0)));
	const rename = async () => {
		const field = h('input', { type: 'text', required: true, maxlength: '200',
		    value: album.title, 'aria-label': 'Title' });
		const text = await ask({ title: 'Rename album', body: field, yes: 'Rename',
		    value: () => field.value.trim() });

		if (text)
			save({ title: text });
	};
	const editRule = async () => {
		const fields = ruleFields(album.rule);
		const rule = await ask({ title: 'What the album holds', body: fields.node,
		    yes: 'Save', value: fields.value });

		if (rule)
			save({ rule });
	};
	const remove = async () => {
		const own = album.may === 'own';

		if (!(await ask({ title: `${own ? 'Delete' : 'Leave'} “${album.title}”?`,
		    text: own ? 'Its items stay where they are.' :
			'You won’t see it any more. Items that are yours leave it with you.',
		    yes: own ? 'Delete' : 'Leave', danger: true })))
			return;
		try {
			await leave(album.id);
			go('albums');
		} catch (problem) {
			fail(problem);
		}
	};
	const takeOut = async (items) => {
		selection.clear();
		try {
			const { removed } = await step(album.id, 'remove',
			    items.map(({ id }) => id));
			toast(removed === items.length ? `${many(removed, 'item')} removed` :
			    `${removed} of ${many(items.length, 'item')} removed. ` +
			    'Others belong to other people.');
		} catch (problem) {
			fail(problem);
		}
		load();
	};
	/* Moves the selection by one place: in front of its neighbour, or behind it. */
	const move = (by) => async (items) => {
		const ids = grid.items.map(({ id }) => id);
		const at = items.map(({ id }) => ids.indexOf(id));
		const edge = by < 0 ? Math.min(...at) - 1 : Math.max(...at) + 2;
		const before = by < 0 ? ids[Math.max(edge, 0)] : ids[edge];

		if (items.some(({ id }) => id === before))
			return;
		try {
			await step(album.id, 'order', items.map(({ id }) => id),
			    before ? { before } : {});
			await grid.reload();
		} catch (problem) {
			fail(problem);
		}
	};
	/* What was dragged stands there at once; the server's order follows. */
	const dropped = async (items, before) => {
		const rest = grid.items.filter((item) => !items.includes(item));
		const at = before ? rest.indexOf(before) : rest.length;

		grid.items = [...rest.slice(0, at), ...items, ...rest.slice(at)];
		grid.later();
		try {
			await step(album.id, 'order', items.map(({ id }) => id),
			    before ? { before: before.id } : {});
			toast(items.length === 1 ? `“${items[0].title}” moved` :
			    `${many(items.length, 'item')} moved`);
		} catch (problem) {
			fail(problem, 'Not moved.');
		}
		await grid?.reload();
	};
	/* Items that are not loaded yet have no place to drop something in front of. */
	const draggable = async () => {
		const mine = grid;
		const { reorder } = await import('../ui/reorder.js');

		if (mine && grid === mine)
			stopDragging = reorder(grid, selection, dropped);
	};
	const actions = () => {
		const own = album.may === 'own';
		const all = bulkActions(() => selection);

		return [
			...all.filter((a) => a.icon !== 'trash'),
			...(mayAdd(album) && album.sort === 'manual' ? [
				{ icon: 'left', label: 'Move earlier', rare: true,
				    run: move(-1) },
				{ icon: 'right', label: 'Move later', rare: true,
				    run: move(1) }] : []),
			...(own ? [{ icon: 'photos', label: 'Use as cover', rare: true,
			    run: ([item]) => {
				    selection.clear();
				    save({ coverId: item.id }, 'This is the cover now');
			    } }] : []),
			...(album.kind === 'album' ? [{ icon: 'close', label: 'Remove from album',
			    run: takeOut }] : []),
		];
	};
	const build = () => {
		stopDragging?.();
		stopDragging = null;
		grid?.destroy();
		selection?.detach();
		selection = new Selection(actions());
		grid = new Grid({
			label: album.title,
			pager: pager(query),
			accept: (item) => item.status !== 'trashed',
			selection,
			empty: () => h('div.empty', null, icon('album'),
			    h('h2', null, 'Nothing in here yet'),
			    h('p', null, album.kind === 'rule' ?
				'Items appear here as soon as they match.' :
				'Select items in your library, then choose “Add to album”.')),
		});
		fill(place, grid.node);
		if (mayAdd(album) && album.sort === 'manual')
			draggable().catch(() => {}); /* the buttons do it too */
	};
	const draw = () => {
		const own = album.may === 'own';
		const facts = [many(album.count, 'item'),
		    album.kind === 'rule' ? 'automatic' : null,
		    album.ownerName && `by ${album.ownerName}`,
		    album.shared?.length ?
			`shared with ${many(album.shared.length, 'person', 'people')}` : null];
		const button = (glyph, text, onclick) => h('button', { type: 'button', onclick },
		    icon(glyph), h('span', null, text));
		const sorts = h('select', { 'aria-label': 'Order', onchange: () => save({
			sort: sorts.value }) }, options(SORTS, album.sort));

		title.textContent = album.title;
		line.textContent = facts.filter(Boolean).join(' · ');
		fill(buttons, album.count ? button('download', 'Download', async () =>
		    (await import('../ui/downloads.js')).downloadAlbum(album)) : null, own ? [
			button('people', 'Share', share),
			can('media.upload') ? button('link', 'Public link', publicLink) : null,
			button('tag', 'Rename', rename),
			album.kind === 'rule' ? button('sliders', 'Rule', editRule) :
			    h('label.sort', null, icon('sort'), sorts)] : null,
		button('play', 'Slideshow', async () =>
			(await import('../ui/slideshow.js')).slideshow({
				items: () => grid?.items ?? [], more: () => grid?.next() })),
		button('music', 'Play songs', async () =>
			(await import('../ui/music.js')).playAll(query())),
		button(own ? 'trash' : 'out', own ? 'Delete album' : 'Leave album', remove));
	};
	const query = () => ({ collection: album.id, sort: album.sort });
	const show = (fresh) => {
		const same = album && grid && fresh.id === album.id && fresh.sort === album.sort &&
		    fresh.may === album.may;

		album = fresh;
		draw();
		if (same)
			grid.reload();
		else
			build();
	};
	const load = async () => {
		const mine = ++turn;

		if (!album && !place.children.length)
			fill(place, h('div.skeletons', { 'aria-hidden': 'true' },
			    [0, 1, 2, 3].map((n) => h(`div.skeleton.s${n}`))));
		try {
			const fresh = await collection(params.id);
			if (mine === turn)
				show(fresh);
		} catch (problem) {
			if (mine !== turn)
				return;
			if (problem.status === 404)
				gone();
			else if (!album)
				fill(place, notice(problem, load));
		}
	};
	const soon = debounce(load, SOON_MS);
	const offs = [
		on('resync', load),
		on('server-event', ({ type, data }) => {
			if (data?.collectionId !== params.id)
				return;
			if (type === 'collection.deleted')
				gone();
			else if (type === 'collection.updated')
				load();
		}),
		on('media-gone', () => album && soon()),
	];

	fill(root, h('div.toolbar.album-head', null, h('div.grow', null, title, line), buttons),
	    place);
	load();
	return {
		sequence: () => grid,
		query: () => (album ? query() : null),
		title: () => album?.title ?? 'Album',
		update(next) {
			const same = next.id === params.id;
			params = next;
			if (!same) {
				album = null;
				load();
			}
		},
		unmount() {
			turn++;
			soon.cancel();
			stopDragging?.();
			offs.forEach((off) => off());
			grid?.destroy();
			grid = null;
			selection?.detach();
		},
	};
}
