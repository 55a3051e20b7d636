/*
 * Video and audio: our own controls, a time line with pictures from the sprite, and a new address
 * when the signature expires in mid-play.
 */
import { again } from '../lib/again.js';
import { fill, h, icon, iconButton } from '../lib/dom.js';
import { duration } from '../lib/format.js';
import { fileUrl, thumbnail } from '../lib/media.js';
import { placeholder } from '../lib/thumbhash.js';
import { chapterButtons } from './chapters.js';
import { showPicture } from './picture.js';

const SPRITE_COLUMNS = 4; /* or fewer, when there are fewer tiles */
const SEEK_STEP_S = 5;
const HIDE_MS = 2800;
const VOLUME = 'medianest.volume';
const PREVIEW = 'This link shows a short preview.';

/* The tile of a sprite for a time: the last one that begins before it. */
function
spriteTile(times, ms)
{
	return Math.max(0, times.findLastIndex((t) => t <= ms));
}

export class Player {
	constructor(item)
	{
		this.item = item;
		this.tries = 0; /* in a row, to get the file's address */
		this.audio = item.kind === 'audio' || item.kind === 'track';
		this.media = h(this.audio ? 'audio' : 'video', { preload: 'metadata',
		    playsinline: true, 'aria-label': item.title });
		if (!this.audio && thumbnail(item, 1280))
			this.media.poster = item.posterUrl ?? thumbnail(item, 1280);
		this.turn();
		this.media.volume = Number(localStorage.getItem(VOLUME) ?? 1);
		this.playButton = iconButton('play', 'Play', () => this.toggle());
		this.muteButton = iconButton('volume', 'Mute', () => {
			this.media.muted = !this.media.muted;
		});
		this.seek = h('input.seek', { type: 'range', min: '0', max: '1000', step: '1',
		    value: '0', 'aria-label': 'Position', oninput: () => this.jump() });
		this.volume = h('input.volume', { type: 'range', min: '0', max: '100',
		    value: String(this.media.volume * 100), 'aria-label': 'Volume', oninput: () => {
			this.media.volume = this.volume.value / 100;
			this.media.muted = false;
			localStorage.setItem(VOLUME, String(this.media.volume));
		} });
		this.time = h('span.player-time', null, `0:00 / ${duration(item.durationMs ?? 0)}`);
		this.hint = h('div.sprite-hint', { hidden: true, 'aria-hidden': 'true' });
		this.line = h('div.seek-line', { onpointermove: (e) => this.preview(e),
		    onpointerleave: () => {
			this.hint.hidden = true;
		} }, this.seek, this.hint);
		this.chapters = h('span.player-chapters');
		this.bar = h('div.player-bar', null, this.playButton, this.chapters, this.line,
		    this.time,
		    this.muteButton, this.volume,
		    this.audio ? null : iconButton('full', 'Full screen', () => this.full()));
		this.note = h('div.player-note', { role: 'status' });
		this.node = h(this.audio ? 'div.player.audio' : 'div.player',
		    { onpointermove: () => this.wake() }, this.audio ? this.cover() : null,
		    this.media,
		    this.audio ? null : h('button.big-play',
			{ type: 'button', 'aria-label': 'Play', onclick: () => this.toggle() },
			icon('play')),
		    this.note, this.bar);
		for (const type of ['play', 'pause', 'timeupdate', 'volumechange', 'durationchange',
		    'ended'])
			this.media.addEventListener(type, () => this.show());
		this.media.addEventListener('error', () => this.failed());
		this.media.addEventListener('loadedmetadata',
		    () => this.isBlind() && this.unplayable());
		this.media.addEventListener('click', () => this.toggle());
		this.ready = this.load(0, false);
	}

	/* The file is as it was uploaded, the poster and the preview are as they were made. */
	turn()
	{
		const { rotation = 0, turnBy = 0 } = this.item;

		if (rotation)
			this.media.removeAttribute('poster');
		this.media.dataset.turn = this.isPreview || this.isShort() ? turnBy : rotation;
	}

	/* There is one for browsers that do not play the file, or it is made. */
	hasVersion()
	{
		return ['transcoded', 'transcodable'].includes(this.item.playback);
	}

	/* Visitors who may not download have the preview alone, or the version for browsers. */
	isShort()
	{
		return Boolean(this.item.visited) && !this.item.contentType && !this.hasVersion();
	}

	cover()
	{
		const url = () => thumbnail(this.item, 640);
		const image = url() ? h('img', { alt: '' }) : null;

		if (image)
			showPicture(image, this.item.id, url);
		return h('div.cover', null,
		    this.item.thumbhash ? placeholder(this.item.thumbhash) : null,
		    image ?? icon('music'));
	}

	/*
	 * What not all browsers play has another version, or gets one, for those that do not.
	 * `refused`: this browser does not play what it should. `isFile`: what plays is the file.
	 */
	async address()
	{
		this.isFile = !this.refused && !this.hasVersion();
		if (this.isFile)
			return fileUrl(this.item.id);
		const { Preparation } = await import('./playback.js');
		if (this.dead)
			return null;
		this.preparation = new Preparation(this.item, this.node, this.refused);
		const url = await this.preparation.address();
		this.isFile = this.preparation.isFile;
		return url;
	}

	async load(at, play)
	{
		try {
			const url = await this.address();
			if (this.dead)
				return;
			this.media.src = url;
			this.loaded = Date.now();
			this.tries = 0;
			this.say(this.isShort() ? PREVIEW : '');
			if (at)
				this.media.currentTime = at;
			if (play)
				await this.media.play().catch(() => {});
		} catch (problem) {
			if (problem.code === 'transcoding_off' ||
			    (this.item.visited && problem.status === 409))
				return this.cannot();
			this.say(problem.message);
			if (!this.dead && (problem.status === 0 || problem.status >= 500))
				again(() => !this.dead && this.load(at, play), this.tries++);
		}
	}

	/*
	 * An address is valid for minutes, a film takes hours: one that fails late is renewed; one
	 * that fails immediately cannot be played here.
	 */
	failed()
	{
		const at = this.media.currentTime;

		if (this.dead || !this.media.src)
			return;
		if (at > 0 || Date.now() - this.loaded > 60000)
			this.load(at, true);
		else
			this.unplayable();
	}

	/* Of a video whose picture the browser does not know it plays the sound alone. */
	isBlind()
	{
		return !this.audio && !this.isPreview && this.item.width > 0 &&
		    this.media.videoWidth === 0;
	}

	unplayable()
	{
		if (!this.isFile || (this.item.playback !== 'original' && !this.hasVersion()))
			return this.cannot();
		this.refused = true;
		this.ready = this.load(0, !this.media.paused);
	}

	cannot()
	{
		if (this.item.previewUrl && this.media.src !== this.item.previewUrl) {
			this.say(this.item.visited && !this.item.contentType ? PREVIEW :
			    'Your browser can’t play this format. This is a short preview; ' +
			    'download the file to watch all of it.');
			this.isPreview = true;
			this.media.src = this.item.previewUrl;
			this.turn();
		} else {
			this.say(
			    'Your browser can’t play this format. Download the file to play it.');
		}
	}

	say(text)
	{
		this.note.textContent = text;
	}

	async toggle()
	{
		await this.ready;
		if (this.media.paused)
			this.media.play().catch(() => {});
		else
			this.media.pause();
	}

	length()
	{
		return Number.isFinite(this.media.duration) ? this.media.duration :
		    (this.item.durationMs ?? 0) / 1000;
	}

	jump()
	{
		this.media.currentTime = (this.seek.value / 1000) * this.length();
	}

	/* The file itself may come only now: a player begins where it is told. */
	async seekTo(ms)
	{
		await this.ready;
		this.media.currentTime = ms / 1000;
		this.media.play().catch(() => {});
	}

	/* The chapters come with the rest of the metadata, later than the item. */
	showChapters()
	{
		if (this.chapters.hasChildNodes())
			return;
		fill(this.chapters, chapterButtons(this.item,
		    () => this.media.currentTime * 1000, (ms) => this.seekTo(ms)));
	}

	skip(way)
	{
		this.media.currentTime = Math.min(this.length(),
		    Math.max(0, this.media.currentTime + way * SEEK_STEP_S));
	}

	show()
	{
		const { media } = this;
		const length = this.length();
		const quiet = media.muted || media.volume === 0;

		this.showChapters();
		this.node.classList.toggle('playing', !media.paused);
		fill(this.playButton, icon(media.paused ? 'play' : 'pause'));
		this.playButton.setAttribute('aria-label', media.paused ? 'Play' : 'Pause');
		fill(this.muteButton, icon(quiet ? 'muted' : 'volume'));
		this.muteButton.setAttribute('aria-label', quiet ? 'Unmute' : 'Mute');
		if (length)
			this.seek.value = String((media.currentTime / length) * 1000);
		this.seek.style.setProperty('--done',
		    `${length ? (media.currentTime / length) * 100 : 0}%`);
		this.seek.setAttribute('aria-valuetext',
		    `${duration(media.currentTime * 1000)} of ${duration(length * 1000)}`);
		this.time.textContent =
		    `${duration(media.currentTime * 1000)} / ${duration(length * 1000)}`;
		this.wake();
	}

	wake()
	{
		clearTimeout(this.timer);
		this.node.classList.remove('idle');
		if (!this.media.paused && !this.audio)
			this.timer = setTimeout(() => this.node.classList.add('idle'), HIDE_MS);
	}

	/* The picture above the time line; its tiles stand four in a row. */
	preview(event)
	{
		const { spriteUrl, spriteTimes } = this.item;
		const box = this.line.getBoundingClientRect();
		const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
		const ms = part * this.length() * 1000;

		if (this.isPreview)
			return;
		if (!this.sprite) {
			this.sprite = h('div.sprite');
			fill(this.hint, spriteUrl && spriteTimes?.length ? this.sprite : null,
			    this.label = h('span'));
			this.sprite.style.setProperty('background-image',
			    spriteUrl ? `url("${spriteUrl}")` : 'none');
			const tile = this.item.metadata?.sprite ?? {};
			const width = tile.tileWidth ?? (this.item.width || 16);
			const height = tile.tileHeight ?? (this.item.height || 9);
			this.sprite.style.setProperty('aspect-ratio', `${width} / ${height}`);
		}
		this.hint.hidden = false;
		if (spriteTimes?.length) {
			const tile = spriteTile(spriteTimes, ms);
			const columns = Math.min(SPRITE_COLUMNS, spriteTimes.length);
			const width = this.sprite.clientWidth;
			const height = this.sprite.clientHeight;
			this.sprite.style.setProperty('background-size',
			    `${width * columns}px auto`);
			const x = -(tile % columns) * width;
			const y = -Math.trunc(tile / columns) * height;
			this.sprite.style.setProperty('background-position', `${x}px ${y}px`);
		}
		this.label.textContent = duration(ms);
		/* Over the pointer, but inside the player. */
		const half = this.hint.offsetWidth / 2 + 4;
		const frame = this.node.getBoundingClientRect();
		const x = Math.min(frame.right - half, Math.max(frame.left + half, event.clientX));
		this.hint.style.setProperty('left', `${x - box.left}px`);
	}

	full()
	{
		if (document.fullscreenElement)
			document.exitFullscreen();
		else if (this.node.requestFullscreen)
			this.node.requestFullscreen();
		else
			this.media.webkitEnterFullscreen?.();
	}

	destroy()
	{
		this.dead = true;
		this.preparation?.end();
		clearTimeout(this.timer);
		this.media.pause();
		this.media.removeAttribute('src');
		this.media.load();
	}
}
