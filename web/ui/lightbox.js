/*
 * One item over the whole page: picture, player, neighbours, details. The router's `item` parameter
 * opens and closes it.
 */
import { again } from '../lib/again.js';
import { Problem } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { announce, cover, fill, h, icon, iconButton, typing } from '../lib/dom.js';
import { daysLeft, kindName, stepName } from '../lib/format.js';
import { mediaKind } from '../lib/kinds.js';
import {
	expired, fetchItem, fileUrl, forget, hasLarger, known, thumbnail,
} from '../lib/media.js';
import { goHere, link } from '../lib/router.js';
import { mayPurge, mayTrash, me } from '../lib/session.js';
import { placeholder } from '../lib/thumbhash.js';
import { purgeMany, restoreMany, trashWithUndo } from './actions.js';
import { Details } from './details.js';
import { notice } from './form.js';
import { Neighbours } from './neighbours.js';
import { showPicture } from './picture.js';
import { Player } from './player.js';
import { lightboxMarks } from './marks.js';
import { moreMenu } from './more.js';
import { fail } from './toast.js';
import { turn, turnable } from './turn.js';
import { Zoom } from './zoom.js';

const ORIGINAL_FROM = 1.6; /* the zoom at which the whole file is worth fetching */
const SHOWABLE = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif'];
const NEAR_END = 8;
const DWELL_MS = 250;
const SEARCHED_PAGES = 10; /* of a grid without an order, to find an item's place in it */

const viewWidth = () => Math.max(innerWidth, 700);

let box = null;

/*
 * Shows an item over a view; sequence: the view's grid, or null; query: that of the list which the
 * grid shows, or null when it shows none.
 */
export function
show(id, sequence, query)
{
	if (box?.item?.id === id)
		return;
	box ??= new Lightbox();
	box.of(sequence, query);
	box.open(id);
}

export function
hide()
{
	box?.close();
	box = null;
}

class Lightbox {
	constructor()
	{
		this.back = document.activeElement;
		this.stage = h('div.stage');
		this.title = h('h1.lightbox-title', { tabindex: '-1' });
		this.trashButton = iconButton('trash', 'Move to trash', () => this.trash());
		this.restoreButton = iconButton('restore', 'Restore', () => this.restore());
		this.purgeButton = iconButton('trash', 'Delete permanently',
		    () => purgeMany([this.item]));
		this.left = h('span.days-left');
		this.infoButton = iconButton('info', 'Details', () => this.toggleDetails(),
		    { 'aria-expanded': 'false' });
		this.marks = lightboxMarks();
		const may = () => Boolean(this.item && turnable(this.item));
		this.more = moreMenu([
			{ glyph: 'play', text: 'Slideshow', key: 's', run: () => this.slides(),
			    may: () => this.item?.status === 'ready' &&
				['image', 'video'].includes(this.item.kind) },
			{ glyph: 'rotate', text: 'Rotate right', key: 'r', may,
			    run: () => this.rotate(90) },
			{ glyph: 'restore', text: 'Rotate left', key: 'R', may,
			    run: () => this.rotate(270) },
			...[['Play next', 'n', true], ['Add to the queue', 'q', false]].map(
			    ([text, key, soon]) => ({ glyph: 'music', text, key,
				may: () => this.mayQueue(),
				run: () => this.enqueue(soon) })),
		]);
		this.downloadButton = iconButton('download', 'Download', () => this.download());
		this.previous = iconButton('left', 'Previous', () => this.step(-1));
		this.next = iconButton('right', 'Next', () => this.step(1));
		this.previous.classList.add('step', 'previous');
		this.next.classList.add('step', 'next');
		this.node = h('div.lightbox',
		    { role: 'dialog', 'aria-modal': 'true', 'aria-label': 'Item' },
		    h('div.lightbox-main', null,
			h('header.lightbox-bar', null,
			    iconButton('back', 'Back', () => this.leave()), this.title,
			    this.left, this.marks.nodes, this.downloadButton,
			    this.restoreButton, this.trashButton, this.purgeButton,
			    this.infoButton, this.more.nodes),
			this.stage, this.previous, this.next));
		this.onkey = (event) => this.key(event);
		addEventListener('keydown', this.onkey);
		this.offs = [
			on('media', ({ item }) => item.id === this.item?.id && this.changed()),
			on('media-step', ({ item }) => item.id === this.item?.id && this.changed()),
			on('media-gone', ({ id }) => id === this.item?.id && this.gone()),
		];
		cover(true);
		document.body.append(this.node);
		this.acts(false);
		this.title.focus({ preventScroll: true });
	}

	of(sequence, query)
	{
		this.sequence = sequence;
		if (JSON.stringify(this.query) === JSON.stringify(query))
			return;
		this.query = query;
		this.near?.destroy();
		this.near = null;
	}

	/* Songs of people who are signed in; visitors of a public link have no queue. */
	mayQueue()
	{
		const { item } = this;

		return Boolean(me.user) && item?.kind === 'audio' && item.status === 'ready' &&
		    !item.visited;
	}

	/* A song goes on in the bar at the lower edge. */
	takeAlong()
	{
		const { item, player } = this;
		const at = player?.media.currentTime;

		if (player?.audio && !player.media.paused && this.mayQueue())
			import('./music.js').then((music) => me.user && music.takeOver(item, at),
			    () => null);
	}

	close()
	{
		this.takeAlong();
		removeEventListener('keydown', this.onkey);
		this.offs.forEach((off) => off());
		this.clear();
		this.near?.destroy();
		this.details?.destroy();
		this.node.remove();
		cover(false);
		if (this.item && this.sequence?.ids.has(this.item.id))
			this.sequence.focus(this.item.id);
		else
			this.back?.focus?.();
	}

	leave()
	{
		if (history.state?.opened)
			history.back();
		else
			goHere({ item: null }, { replace: true });
	}

	clear()
	{
		this.zoom?.destroy();
		this.player?.destroy();
		this.zoom = null;
		this.player = null;
		this.enlarge = null;
		this.frame = null;
	}

	async open(id)
	{
		this.wanted = id;
		let item = known(id);

		if (!item) {
			this.retry = () => this.wanted === id && this.open(id);
			this.none(h('div.skeleton.big', { 'aria-hidden': 'true' }));
			try {
				item = await fetchItem(id);
			} catch (problem) {
				if (this.wanted === id)
					this.none(this.missing(problem));
				return;
			}
		}
		if (this.wanted !== id)
			return;
		this.item = item;
		this.acts(true);
		this.draw();
		if (this.details)
			this.details.show(item);
		else if (localStorage.getItem('medianest.details') === '1' && innerWidth > 900 &&
		    !item.visited)
			this.openDetails();
		this.place();
		announce(`${kindName(item.kind)}: ${item.title}`);
		setTimeout(() => this.wanted === id && this.item === item && this.dwell(),
		    DWELL_MS);
	}

	/*
	 * Lists leave out what only the details show, and the largest picture: someone who pages
	 * through quickly does not need them.
	 */
	async dwell()
	{
		const { item } = this;

		if (item.metadata === undefined || this.soonExpired() ||
		    hasLarger(item, viewWidth()))
			await this.freshen(item.id);
		if (this.item === item)
			this.warm();
	}

	async freshen(id)
	{
		try {
			await fetchItem(id);
		} catch (problem) {
			if (problem.status === 404)
				forget(id); /* it went while nobody told us */
		}
	}

	/* Something other than an item. */
	none(what)
	{
		this.item = null;
		this.clear();
		this.acts(false);
		this.title.textContent = '';
		fill(this.stage, what);
	}

	missing(problem)
	{
		const back = h('button', { type: 'button', onclick: () => this.leave() }, 'Back');

		if (problem.status !== 404) {
			const node = notice(problem, this.retry);
			node.append(back);
			return node;
		}
		announce('Item not found');
		return h('div.notice', { role: 'alert' }, icon('file'),
		    h('h2', null, 'Item not found'),
		    h('p', null, 'It was deleted, or it is no longer shared with you.'), back);
	}

	/* Whether there is an item, with which something can be done. */
	acts(on)
	{
		this.marks.show(on ? this.markable() : null);
		this.more.show(on && !this.item.visited);
		this.downloadButton.hidden = !on || !this.downloadable();
		this.infoButton.hidden = !on || Boolean(this.item.visited);
		this.offer(null); /* until the item says otherwise */
		this.previous.hidden = true;
		this.next.hidden = true;
		if (!on)
			this.closeDetails();
	}

	/* Visitors of a public link (lib/visit.js) look, and download where it allows that. */
	markable()
	{
		return this.item?.visited ? null : this.item;
	}

	downloadable()
	{
		return !this.item.visited || Boolean(this.item.contentType);
	}

	/* What the item lets people do besides looking. */
	offer(item)
	{
		const trashed = item?.status === 'trashed';

		this.trashButton.hidden = !item || item.visited || trashed || !mayTrash(item);
		this.restoreButton.hidden = !trashed || !mayTrash(item);
		this.purgeButton.hidden = !trashed || !mayPurge(item);
		this.left.textContent = item?.purgeAt ? daysLeft(item.purgeAt) : '';
	}

	/* What the item stands in: the view's grid, what lies around it in the list, or null. */
	row()
	{
		return [this.sequence, this.near].find((row) => row?.items.includes(this.item)) ??
		    null;
	}

	/*
	 * Finds the item's place, which may be far from what the grid has loaded, and loads on when
	 * it is near an end.
	 */
	async place()
	{
		const { item } = this;

		try {
			if (!this.row() && this.sequence)
				await this.locate(item);
			if (this.item !== item)
				return;
			if (this.row() === this.near && this.near) {
				const at = this.near.items.indexOf(item);
				await Promise.all([
					at < NEAR_END ? this.near.more('before') : null,
					at > this.near.items.length - NEAR_END ?
					    this.near.more('after') : null,
				]);
			} else if (this.index > this.sequence?.items.length - NEAR_END) {
				this.sequence.next();
			}
		} catch {
			/* the item is there; its neighbours come when the network does */
			again(() => this.item === item && this.place(), 1);
		}
		if (this.item) {
			this.arrows();
			this.warm();
		}
	}

	async locate(item)
	{
		await this.sequence.first;
		for (let n = 0; !this.query && !this.row() && this.sequence.more &&
		    n < SEARCHED_PAGES; n++)
			await this.sequence.next();
		if (!this.query || this.row() || this.item !== item)
			return;
		const near = new Neighbours(this.query, this.sequence.accept);
		await near.open(item);
		this.near?.destroy();
		this.near = near;
	}

	soonExpired()
	{
		return Object.values(this.item.thumbnails ?? {}).some((url) => url && expired(url));
	}

	draw()
	{
		const { item } = this;

		this.clear();
		this.drawn = item.status;
		this.title.textContent = item.title;
		this.marks.show(this.markable());
		this.offer(item);
		this.arrows();
		if (item.status === 'ready' || item.status === 'trashed')
			fill(this.stage, this.content());
		else
			fill(this.stage, this.waiting());
	}

	arrows()
	{
		this.stood = this.row();
		this.index = this.stood?.items.indexOf(this.item) ?? -1;
		this.previous.hidden = !this.beside(-1);
		this.next.hidden = !this.beside(1);
	}

	waiting()
	{
		const { item } = this;
		const failed = item.status === 'failed';
		const reason = item.failure?.message ?? 'The reason is not known.';
		const progress = item.step ? `${stepName(item.step)}…` :
		    'This item appears here as soon as it is ready.';

		return h('div.notice', { role: 'status' }, icon(failed ? 'alert' : 'clock'),
		    h('h2', null, failed ? 'This file could not be processed' : 'Still processing'),
		    h('p', null, failed ? reason : progress),
		    this.details ? null :
			h('button', { type: 'button', onclick: () => this.toggleDetails() },
			    'Processing history'));
	}

	content()
	{
		const { item } = this;

		if (['video', 'audio'].includes(item.kind)) {
			this.player = new Player(item);
			this.zoom = new Zoom(this.stage, this.player.node,
			    { onswipe: (way) => this.swipe(way) });
			this.zoom.to = () => {};
			return this.player.node;
		}
		if (mediaKind(item.kind).page)
			return h('div.notice', null, icon(mediaKind(item.kind).glyph),
			    h('h2', null, item.title),
			    h('a.button', { href: link('title', { id: item.id }) },
				`Open this ${kindName(item.kind)}`));
		if (!thumbnail(item, 1280))
			return h('div.notice', null, icon('file'), h('h2', null, item.title),
			    h('p', null, 'This item has no preview.'),
			    this.downloadable() ? h('button', { type: 'button',
				onclick: () => this.download() }, 'Download') : null);
		return this.picture();
	}

	/* The placeholder, then what the grid has shown already, then the large one. */
	picture()
	{
		const { item } = this;
		const frame = h('div.frame');
		const layer = (url, name) => {
			const image = h(`img${name ? `.${name}` : ''}`, {
				alt: name === 'large' ? item.title : '', draggable: 'false',
			});

			add(image, name === 'original' ? 0 : made());
			showPicture(image, item.id, url);
		};
		const made = () => (item.rotation ?? 0) - (item.turnBy ?? 0);
		/* Each layer is turned by what is missing from how it was made. */
		const add = (node, was) => {
			node.was = was;
			frame.append(node);
			this.turn();
		};

		this.frame = frame;
		this.turn();
		if (item.thumbhash)
			add(placeholder(item.thumbhash) ?? h('span'), made());
		const small = () => thumbnail(item, 200);
		const large = () => thumbnail(item, viewWidth());
		let listed = false; /* what is shown is the best that came with a list */
		const showLarge = () => {
			layer(large, 'large');
			this.large = large();
			listed = hasLarger(item, viewWidth());
		};
		if (small() !== large())
			layer(small, 'small');
		showLarge();
		this.enlarge = () => listed && !hasLarger(item, viewWidth()) && showLarge();
		let whole = !SHOWABLE.includes(item.contentType);
		this.zoom = new Zoom(this.stage, frame, {
			onswipe: (way) => this.swipe(way),
			ontap: (event) => event.pointerType !== 'mouse' &&
			    this.node.classList.toggle('bare'),
			onzoom: async (scale) => {
				if (scale < ORIGINAL_FROM || whole)
					return;
				whole = true;
				try {
					const url = await fileUrl(item.id);
					if (this.item === item)
						layer(() => url, 'original');
				} catch {
					whole = false;
				}
			},
		});
		if (item.motion)
			import('./motion.js').then(({ overPicture }) => overPicture(item, frame));
		return frame;
	}

	/* What is shown follows the item; new pictures of it are not needed for that. */
	turn()
	{
		const { width, height, rotation = 0 } = this.item;

		this.player?.turn();
		if (!this.frame)
			return;
		this.frame.style.setProperty('aspect-ratio', `${width || 4} / ${height || 3}`);
		this.frame.style.setProperty('--ratio', String((width || 4) / (height || 3)));
		for (const layer of this.frame.children)
			if (layer.was !== undefined)
				layer.dataset.turn = (rotation - layer.was + 720) % 360;
	}

	rotate(by)
	{
		if (this.item && turnable(this.item))
			turn([this.item], by);
	}

	/* From here on, through all of what the item stands in. */
	async slides()
	{
		const { item, sequence } = this;
		const row = this.row();

		if (!item || item.visited)
			return;
		try {
			(await import('./slideshow.js')).slideshow({
				items: () => row?.items ?? [item], first: item,
				more: row === sequence ? () => row?.next?.() :
				    () => row?.more('after'),
				closed: (last) => last && last !== this.item &&
				    goHere({ item: last.id }, { replace: true }),
			});
		} catch {
			fail(new Problem(0));
		}
	}

	async enqueue(soon)
	{
		if (this.mayQueue())
			(await import('./music.js')).add([this.item], soon);
	}

	/* Loads the neighbours' pictures ahead. */
	warm()
	{
		for (const step of [1, -1]) {
			const item = this.beside(step);
			const load = () => {
				const url = thumbnail(item, viewWidth());
				if (url && !expired(url))
					new Image().src = url;
			};

			if (item?.status !== 'ready')
				continue;
			if (hasLarger(item, viewWidth()))
				fetchItem(item.id).then(load, () => null);
			else
				load();
		}
	}

	changed()
	{
		const urls = Object.values(this.item.thumbnails ?? {});

		this.title.textContent = this.item.title;
		this.marks.show(this.markable());
		this.more.show(!this.item.visited);
		this.arrows();
		this.turn();
		/*
		 * Redrawn only when there is something new to see, so that a player keeps playing.
		 */
		this.enlarge?.();
		if (this.drawn !== this.item.status || this.item.status === 'processing' ||
		    (!this.player && this.large && !this.stage.querySelector('.large.loaded') &&
			!urls.includes(this.large)))
			this.draw();
		this.details?.changed();
		this.player?.showChapters();
	}

	gone()
	{
		const items = this.stood?.items ?? []; /* which has closed the gap */
		const other = items[Math.min(this.index, items.length - 1)];

		if (other && other !== this.item)
			goHere({ item: other.id }, { replace: true });
		else
			this.leave();
	}

	/* The neighbour on one side, as the row is now: items come and go in it. */
	beside(way)
	{
		const items = this.row()?.items;

		return items?.[items.indexOf(this.item) + way];
	}

	step(way)
	{
		const to = this.item && this.beside(way);

		if (to)
			goHere({ item: to.id }, { replace: true });
	}

	swipe(way)
	{
		if (way === 'down')
			this.leave();
		else
			this.step(way === 'left' ? 1 : -1);
	}

	key(event)
	{
		if (document.querySelector('dialog[open], .more-menu:popover-open') ||
		    event.ctrlKey || event.metaKey || event.altKey)
			return;
		if (event.key === 'Escape') {
			if (typing(event.target))
				event.target.blur();
			else
				this.leave();
			return;
		}
		if (event.key === 'Tab') {
			this.trap(event);
			return;
		}
		if (!this.item || typing(event.target) ||
		    event.target.matches?.('input[type=range]'))
			return;
		const button = event.target.closest?.('button, a');
		const actions = {
			ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1),
			i: () => this.infoButton.hidden || this.toggleDetails(),
			d: () => this.downloadButton.hidden || this.download(),
			l: () => this.marks.love(),
			n: () => this.enqueue(true), q: () => this.enqueue(false),
			s: () => this.slides(),
			r: () => this.rotate(90), R: () => this.rotate(270),
			Delete: () => [this.trashButton, this.purgeButton]
			    .find(({ hidden }) => !hidden)?.click(),
			'+': () => this.zoom?.to(this.zoom.scale * 1.5),
			'=': () => this.zoom?.to(this.zoom.scale * 1.5),
			'-': () => this.zoom?.to(this.zoom.scale / 1.5), 0: () => this.zoom?.to(1),
			f: () => this.player?.full(), m: () => this.player?.muteButton.click(),
			',': () => this.player?.skip(-1), '.': () => this.player?.skip(1),
			' ': button ? null : () => this.player?.toggle(),
		};
		if (actions[event.key]) {
			event.preventDefault();
			actions[event.key]();
		}
	}

	trap(event)
	{
		const all = [...this.node.querySelectorAll('a[href], button, input, textarea, ' +
		    'select, [tabindex="0"]')].filter((e) => !e.disabled && e.offsetParent);
		const edge = event.shiftKey ? all[0] : all.at(-1);

		if (document.activeElement === edge ||
		    !this.node.contains(document.activeElement)) {
			event.preventDefault();
			(event.shiftKey ? all.at(-1) : all[0])?.focus();
		}
	}

	toggleDetails()
	{
		if (this.details)
			this.closeDetails();
		else
			this.openDetails();
		localStorage.setItem('medianest.details', this.details ? '1' : '0');
		if (this.drawn === 'failed' || this.drawn === 'processing')
			this.draw();
	}

	openDetails()
	{
		this.details = new Details(() => this.toggleDetails());
		this.details.node.addEventListener('seek',
		    ({ detail }) => this.player?.seekTo(detail));
		this.node.append(this.details.node);
		this.infoButton.setAttribute('aria-expanded', 'true');
		this.node.classList.add('with-details');
		this.details.show(this.item);
	}

	closeDetails()
	{
		this.details?.destroy();
		this.details = null;
		this.infoButton.setAttribute('aria-expanded', 'false');
		this.node.classList.remove('with-details');
	}

	async download()
	{
		if (this.fetching)
			return;
		this.fetching = true;
		try {
			const url = await fileUrl(this.item.id, true);
			const anchor = h('a', { href: url,
			    download: this.item.filename ?? this.item.title });
			document.body.append(anchor);
			anchor.click();
			anchor.remove();
		} catch (problem) {
			fail(problem);
		}
		this.fetching = false;
	}

	trash()
	{
		trashWithUndo([this.item]);
	}

	/* It leaves the trash, and the next one there comes up. */
	async restore()
	{
		const { item, stood, index } = this;

		if (await restoreMany([item]) && this.item === item && stood) {
			Object.assign(this, { stood, index });
			this.gone();
		}
	}
}
