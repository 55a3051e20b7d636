/*
 * Photos and videos one after the other over the whole page: each photo for a while, each video to
 * its end. The module comes with the first slideshow.
 */
import { on } from '../lib/bus.js';
import { addIcons, announce, calm, cover, fill, h, icon, iconButton } from '../lib/dom.js';
import { expired, fetchItem, fileUrl, hasLarger, thumbnail } from '../lib/media.js';
import { toast } from './toast.js';

addIcons({
	shuffle: 'M3 7h4l9 10h5M3 17h4l3-3.4M13 10.4 16 7h5M18.5 4.5 21 7l-2.5 2.5' +
	    'M18.5 14.5 21 17l-2.5 2.5',
});

const SECONDS = [3, 5, 10, 20, 60];
const INTERVAL = 'medianest.slideshow.seconds';
const HIDE_MS = 2500;
const NEAR_END = 5;
const PICTURE_MS = 15000; /* after which a picture that has not come is passed over */
const FADE_MS = 800;

const showable = (item) => item.status === 'ready' && ['image', 'video'].includes(item.kind) &&
    Boolean(thumbnail(item, 1280));
const width = () => Math.max(innerWidth, 700);

function
style()
{
	if (!document.querySelector('link[href="slideshow.css"]'))
		document.head.append(h('link', { rel: 'stylesheet', href: 'slideshow.css' }));
}

/* Resolves when the picture or video can be shown; rejects when it does not come. */
function
loaded(node, event = 'load')
{
	return new Promise((done, failed) => {
		const timer = setTimeout(failed, PICTURE_MS);

		node.addEventListener(event, () => {
			clearTimeout(timer);
			done();
		});
		node.addEventListener('error', () => {
			clearTimeout(timer);
			failed();
		});
	});
}

/* Of a video that browsers do not play, its other version. One yet to be made is no slide. */
async function
videoUrl(item)
{
	if (!['transcoded', 'transcodable'].includes(item.playback))
		return fileUrl(item.id);
	const { playableFile, stateOf } = await import('./playback.js');
	const state = await stateOf(item);
	const url = playableFile(state) ?? state.url;

	if (!url)
		throw new Error('not converted');
	return url;
}

class Slideshow {
	/* items(): as they are now; more(): fetches further ones, or null; closed(item) */
	constructor({ items, first, more, closed })
	{
		Object.assign(this, { all: items, more, closed });
		this.order = null;  /* ids, while it is shuffled */
		this.item = null;
		this.failures = 0;
		this.playing = true;
		this.seconds = Number(localStorage.getItem(INTERVAL)) || 5;
		this.back = document.activeElement;
		this.stage = h('div.slides', { onclick: () => this.toggle() });
		this.title = h('strong');
		this.playButton = iconButton('pause', 'Pause', () => this.toggle());
		this.shuffleButton = iconButton('shuffle', 'Shuffle', () => this.shuffle(),
		    { 'aria-pressed': 'false' });
		this.interval = h('select', { 'aria-label': 'Seconds for each photo',
		    onchange: () => {
			    this.seconds = Number(this.interval.value);
			    localStorage.setItem(INTERVAL, this.interval.value);
			    this.arm();
		    } }, SECONDS.map((s) => h('option', { value: String(s) }, `${s} s`)));
		this.interval.value = String(this.seconds);
		this.bar = h('div.slideshow-bar', null, this.title, h('div.grow'),
		    iconButton('left', 'Previous', () => this.step(-1)), this.playButton,
		    iconButton('right', 'Next', () => this.step(1)), this.shuffleButton,
		    this.interval,
		    document.fullscreenEnabled ?
			iconButton('full', 'Full screen', () => this.full()) : null,
		    iconButton('close', 'End the slideshow', () => this.close()));
		this.node = h('div.slideshow', { role: 'dialog', 'aria-modal': 'true',
		    'aria-label': 'Slideshow', tabindex: '-1', onpointermove: () => this.wake(),
		    onfocusin: () => this.wake() }, this.stage, this.bar);
		this.onkey = (event) => this.key(event);
		this.onvisible = () => (document.visibilityState === 'visible' ? this.stayAwake() :
		    this.pause());
		/* before what lies below hears of them */
		addEventListener('keydown', this.onkey, true);
		document.addEventListener('visibilitychange', this.onvisible);
		/* whoever goes elsewhere, or is signed out, leaves it too */
		this.onleave = () => this.close(false);
		addEventListener('popstate', this.onleave);
		this.off = on('session', ({ user }) => !user && this.close(false));
		this.below = document.querySelector('.lightbox');
		if (this.below)
			this.below.inert = true;
		else
			cover(true);
		document.body.append(this.node);
		this.playButton.focus({ preventScroll: true });
		this.show(showable(first ?? {}) ? first : this.items[0]);
		this.stayAwake();
		this.wake();
	}

	get items()
	{
		const items = this.all().filter(showable);

		if (!this.order)
			return items;
		const place = new Map(this.order.map((id, n) => [id, n]));
		/* those that came since stand behind */
		return items.sort((a, b) => (place.get(a.id) ?? Infinity) -
		    (place.get(b.id) ?? Infinity));
	}

	beside(way)
	{
		const { items } = this;
		const at = items.indexOf(this.item);

		return items[(at + way + items.length) % items.length];
	}

	/* Puts an item up; the one before goes when it is there. */
	async show(item)
	{
		const run = this.run = {};

		clearTimeout(this.timer);
		if (!item) {
			this.close();
			return;
		}
		this.item = item;
		this.title.textContent = item.title;
		try {
			const slide = item.kind === 'video' ? await this.video(item) :
			    await this.picture(item);
			if (this.run !== run)
				return;
			this.failures = 0;
			this.change(slide);
		} catch {
			if (this.run === run)
				this.pass();
			return;
		}
		this.arm();
		this.ahead();
	}

	async picture(item)
	{
		if (hasLarger(item, width()) || expired(thumbnail(item, width())))
			await fetchItem(item.id);
		const image = h('img', { alt: item.title, draggable: 'false' });

		image.dataset.turn = item.turnBy ?? 0;
		image.src = thumbnail(item, width());
		await loaded(image);
		return h('div.slide', null, image);
	}

	async video(item)
	{
		const video = h('video', { playsinline: true, 'aria-label': item.title });
		const slide = h('div.slide', null, video);

		/* the file is as it was uploaded */
		video.dataset.turn = item.rotation ?? 0;
		video.src = await videoUrl(item);
		await loaded(video, 'loadedmetadata');
		if (!video.videoWidth)
			throw new Error('sound without a picture');
		video.addEventListener('ended', () => this.film === video && this.step(1, true));
		video.addEventListener('error', () => this.film === video && this.pass());
		return slide;
	}

	change(slide)
	{
		const old = [...this.stage.children];

		this.film?.pause();
		this.film = slide.querySelector('video');
		if (this.film) /* music that plays goes on */
			this.film.muted = Boolean(document.querySelector(
			    '.music-bar[data-playing=true]'));
		this.stage.append(slide);
		old.forEach((node) => {
			node.classList.add('going');
			setTimeout(() => node.remove(), calm() ? 0 : FADE_MS);
		});
		if (this.film && this.playing)
			this.film.play().catch(() => this.film && (this.film.muted = true) &&
			    this.film.play().catch(() => this.pause()));
	}

	/* What cannot be shown is passed over; when that is all, it ends. */
	pass()
	{
		this.failures++;
		if (this.failures < this.items.length) {
			this.step(1, true);
			return;
		}
		this.close();
		toast('These items can’t be shown now. Check your connection and try again.',
		    { tone: 'bad' });
	}

	/* After a photo the next one comes by itself; a video does that at its end. */
	arm()
	{
		clearTimeout(this.timer);
		if (this.playing && !this.film)
			this.timer = setTimeout(() => this.step(1, true), this.seconds * 1000);
	}

	ahead()
	{
		const { items } = this;
		const next = this.beside(1);

		if (this.more && items.indexOf(this.item) > items.length - NEAR_END)
			Promise.resolve(this.more()).catch(() => null);
		if (!next || next === this.item || next.kind !== 'image')
			return;
		Promise.resolve(hasLarger(next, width()) ? fetchItem(next.id) : null).then(() => {
			const url = thumbnail(next, width());
			if (url && !expired(url))
				new Image().src = url;
		}, () => null);
	}

	step(way, itself = false)
	{
		const to = this.beside(way);

		this.show(to);
		if (to && !itself)
			announce(to.title);
	}

	toggle()
	{
		if (this.playing) {
			this.pause();
			return;
		}
		this.playing = true;
		this.told();
		this.film?.play().catch(() => null);
		this.arm();
		this.stayAwake();
	}

	pause()
	{
		this.playing = false;
		clearTimeout(this.timer);
		this.film?.pause();
		this.told();
		this.lock?.release().catch(() => null);
		this.lock = null;
	}

	told()
	{
		const word = this.playing ? 'Pause' : 'Play';

		fill(this.playButton, icon(this.playing ? 'pause' : 'play'));
		this.playButton.setAttribute('aria-label', word);
		this.playButton.title = word;
		this.wake();
	}

	shuffle()
	{
		this.order = this.order ? null : this.all().map(({ id }) => [Math.random(), id])
		    .sort(([a], [b]) => a - b).map(([, id]) => id);
		this.shuffleButton.setAttribute('aria-pressed', String(Boolean(this.order)));
	}

	full()
	{
		if (document.fullscreenElement)
			document.exitFullscreen();
		else
			this.node.requestFullscreen().catch(() => null);
	}

	/* The screen stays on while it runs, where the browser can see to that. */
	async stayAwake()
	{
		if (!this.playing || this.lock)
			return;
		try {
			this.lock = await navigator.wakeLock?.request('screen');
			this.lock?.addEventListener('release', () => {
				this.lock = null;
			});
			if (this.dead || !this.playing)
				this.lock?.release();
		} catch {
			/* low battery: it may go dark */
		}
	}

	wake()
	{
		clearTimeout(this.idle);
		this.node.classList.remove('idle');
		this.idle = setTimeout(() => this.node.classList.toggle('idle',
		    this.playing && !this.bar.contains(document.activeElement?.matches?.(
			':focus-visible') ? document.activeElement : null)), HIDE_MS);
	}

	key(event)
	{
		const on = event.target.closest?.('button, select');
		const actions = { Escape: () => this.close(), ArrowRight: () => this.step(1),
		    ArrowLeft: () => this.step(-1), f: () => this.full(), s: () => this.shuffle(),
		    ' ': on ? null : () => this.toggle(), Tab: () => this.trap(event) };

		event.stopImmediatePropagation();
		if (event.ctrlKey || event.metaKey || event.altKey || !actions[event.key] ||
		    (on?.matches('select') && event.key.startsWith('Arrow')))
			return;
		event.preventDefault();
		actions[event.key]();
	}

	trap(event)
	{
		const all = [...this.bar.querySelectorAll('button, select')];
		const at = all.indexOf(document.activeElement);

		all[(at + (event.shiftKey ? -1 : 1) + all.length) % all.length].focus();
	}

	/* tell: the viewer goes on with what was shown last */
	close(tell = true)
	{
		if (this.dead)
			return;
		this.dead = true;
		this.run = null;
		this.pause();
		clearTimeout(this.idle);
		removeEventListener('keydown', this.onkey, true);
		document.removeEventListener('visibilitychange', this.onvisible);
		removeEventListener('popstate', this.onleave);
		this.off();
		if (document.fullscreenElement)
			document.exitFullscreen();
		if (this.film) {
			this.film.removeAttribute('src');
			this.film.load();
		}
		this.node.remove();
		if (this.below)
			this.below.inert = false;
		else
			cover(false);
		this.back?.focus?.({ preventScroll: true });
		if (tell)
			this.closed?.(this.item);
	}
}

/* See the constructor. False: there is nothing to show. */
export function
slideshow(what)
{
	style();
	if (!what.items().some(showable)) {
		toast('There are no photos or videos among these.');
		return false;
	}
	document.querySelectorAll('.lightbox :is(audio, video)').forEach((media) => media.pause());
	return new Slideshow(what);
}
