/*
 * Music that goes on while the person browses: a queue, the sound, and what the system shows of it.
 * ui/music-bar.js draws it. The module comes with the first song, and stays until sign-out.
 */
import { again } from '../lib/again.js';
import { on } from '../lib/bus.js';
import { typing } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { expired, fetchItem, fileUrl, known, list, thumbnail } from '../lib/media.js';
import { Queue, REPEATS } from '../lib/queue.js';
import { me } from '../lib/session.js';
import { MusicBar } from './music-bar.js';
import { Preparation } from './playback.js';
import { fail, toast } from './toast.js';

const KEPT = 'medianest.music';   /* in the browser: the queue and the place in it */
const VOLUME = 'medianest.volume';
const SAVE_MS = 5000;
const AHEAD_S = 25;      /* before the end of a song the next one is fetched */
const YOUNG_MS = 60000;  /* an address that fails so soon is not an old one */
const BACK_S = 3;        /* further into a song, "previous" begins it again */
const SEEK_S = 10;
const QUEUE_MAX = 2000;
const FETCHED_AT_ONCE = 100;
const LOUDEST_DB = 0;    /* an audio element cannot play louder than the file */

export const playable = (item) => item.kind === 'audio' && item.status === 'ready';

/* How loud a song is to be, of 0 to 1, as its ReplayGain says. */
export function
gainOf(item, whole)
{
	const gain = item?.metadata?.replayGain;
	const db = gain && (whole ? gain.albumGain ?? gain.trackGain : gain.trackGain ??
	    gain.albumGain);

	return Number.isFinite(db) ? 10 ** (Math.min(LOUDEST_DB, db) / 20) : 1;
}

/* A version that browsers play. `say` tells how far it is; a failure ends it. */
class Version extends Preparation {
	constructor(item, refused, say)
	{
		super(item, document.createElement('div'), refused);
		this.say = say;
	}

	put(title)
	{
		this.say(title);
	}

	tell({ message })
	{
		this.end();
		this.failed({ status: 422, message });
	}
}

class Music {
	constructor()
	{
		this.queue = new Queue();
		/* The one that plays and the one that has the next song ready; they take turns. */
		this.sound = this.element();
		this.spare = this.element();
		this.failures = 0; /* songs in a row that could not be played */
		this.volume = Number(localStorage.getItem(VOLUME) ?? 1);
		this.bar = new MusicBar(this);
		this.onkey = (event) => this.key(event);
		this.onhide = () => this.save();
		addEventListener('keydown', this.onkey);
		addEventListener('pagehide', this.onhide);
		/* what a video or song in the viewer does with sound, this stops for */
		this.onplay = (event) => {
			if (event.target !== this.sound && event.target !== this.spare &&
			    !event.target.muted)
				this.pause();
		};
		document.addEventListener('play', this.onplay, true);
		this.onsound = (event) => !event.target.paused && this.onplay(event);
		document.addEventListener('volumechange', this.onsound, true);
		this.offs = [
			on('session', ({ user }) => !user && this.close()),
			on('media', ({ item }) => item.id === this.queue.current && this.told()),
			on('media-gone', ({ id }) => this.queue.ids.includes(id) && this.drop(id)),
		];
		this.system();
		this.saved = 0;
	}

	element()
	{
		const audio = new Audio();

		audio.preload = 'auto';
		for (const type of ['play', 'pause', 'timeupdate', 'durationchange', 'waiting'])
			audio.addEventListener(type, () => audio === this.sound && this.told());
		audio.addEventListener('timeupdate', () => audio === this.sound && this.went());
		audio.addEventListener('ended', () => audio === this.sound && this.advance(true));
		audio.addEventListener('error', () => audio === this.sound && audio.src &&
		    this.failed());
		return audio;
	}

	/* The song went on a little. */
	went()
	{
		this.prepare();
		if (Date.now() - this.saved > SAVE_MS)
			this.save();
	}

	get item()
	{
		return this.queue.current ? known(this.queue.current) ?? null : null;
	}

	get playing()
	{
		return !this.sound.paused;
	}

	get length()
	{
		return Number.isFinite(this.sound.duration) ? this.sound.duration :
		    (this.item?.durationMs ?? 0) / 1000;
	}

	/* --- what people do */

	play(items, first = items[0], at = 0)
	{
		this.queue.set(items.map(({ id }) => id), first?.id);
		this.failures = 0;
		return this.start(at, true);
	}

	add(items, soon)
	{
		const idle = !this.queue.ids.length;

		this.queue.add(items.map(({ id }) => id), soon);
		this.changed();
		toast(`${many(items.length, 'song')} ${soon ? 'will play next' :
		    'added to the queue'}`);
		if (idle)
			this.start(0, true);
	}

	toggle()
	{
		if (this.playing)
			this.pause();
		else if (this.sound.src && this.started === this.queue.current)
			this.resume();
		else
			this.start(this.left ?? 0, true);
	}

	pause()
	{
		this.wanted = false;
		this.sound.pause();
	}

	async resume()
	{
		this.wanted = true;
		for (const other of document.querySelectorAll('.lightbox :is(audio, video)'))
			other.pause();
		try {
			await this.sound.play();
		} catch (problem) {
			if (problem.name === 'NotAllowedError')
				this.wanted = false; /* the browser wants to be asked by a person */
		}
		this.told();
	}

	next()
	{
		return this.advance(false);
	}

	previous()
	{
		const to = this.queue.before();

		if (this.sound.currentTime > BACK_S || to < 0)
			this.seek(0);
		else
			this.go(to);
	}

	go(place)
	{
		this.queue.at = place;
		this.failures = 0;
		return this.start(0, true);
	}

	seek(seconds)
	{
		const to = Math.min(Math.max(0, seconds), this.length || seconds);

		if (this.started !== this.queue.current)
			this.left = to;
		else
			this.sound.currentTime = to;
		this.told();
	}

	loud(volume)
	{
		this.volume = volume;
		localStorage.setItem(VOLUME, String(volume));
		this.level();
	}

	move(from, to)
	{
		this.queue.move(from, to);
		this.changed();
	}

	remove(id)
	{
		if (this.queue.remove(id))
			this.replace();
		this.changed();
	}

	shuffle()
	{
		this.queue.shuffle(!this.queue.isShuffled);
		this.changed();
	}

	repeat()
	{
		const at = REPEATS.indexOf(this.queue.repeat);

		this.queue.repeat = REPEATS[(at + 1) % REPEATS.length];
		this.changed();
	}

	/* --- the sound */

	/* The song at the queue's place, from there. */
	async start(at, play)
	{
		const id = this.queue.current;

		this.run = {};
		const { run } = this;
		this.stop?.();
		this.wanted = play;
		this.sound.pause();
		if (!id) {
			this.close();
			return;
		}
		this.changed();
		try {
			await this.load(this.sound, id, run);
		} catch (problem) {
			if (this.run === run)
				this.missed(problem, at, play);
			return;
		}
		if (this.run !== run)
			return;
		this.left = null;
		this.tries = 0;
		this.bar.say('');
		if (at)
			this.sound.currentTime = at;
		this.level();
		this.announceSystem();
		if (play)
			await this.resume();
	}

	/* Puts the song into an element, with an address that is good now. */
	async load(audio, id, run)
	{
		const item = known(id);

		audio.version?.end();
		audio.version = null;
		if (!item || item.metadata === undefined)
			await fetchItem(id);
		if (run !== this.run)
			return;
		if (['transcoded', 'transcodable'].includes(known(id)?.playback))
			audio.version = new Version(known(id), id === this.refused,
			    (text) => audio === this.sound && this.bar.say(text));
		const url = await (audio.version?.address() ?? fileUrl(id));

		if (run !== this.run)
			return;
		audio.song = id;
		audio.loaded = Date.now();
		audio.src = url;
		if (audio === this.sound)
			this.started = id;
	}

	/* Not the song's fault: it comes when the network does. Or there is no such song now. */
	missed(problem, at, play)
	{
		if (problem.status === 404) {
			this.drop(this.queue.current);
			return;
		}
		if (problem.status && problem.status < 500 && problem.status !== 429) {
			fail(problem);
			this.skip(problem.message);
			return;
		}
		this.bar.say(problem.message ?? '');
		this.tries = (this.tries ?? 0) + 1;
		this.stop = again(() => this.start(at, play), this.tries);
	}

	/*
	 * An address is valid for minutes: one that fails late is renewed, and the song goes on
	 * where it was; one that fails at once cannot be played here.
	 */
	failed()
	{
		const { error, song } = this.sound;
		const at = this.sound.currentTime || this.left || 0;
		const old = expired(this.sound.src) || Date.now() - this.sound.loaded > YOUNG_MS;

		this.started = null;
		this.left = at;
		if (old || (at > 0 && song !== this.renewed)) {
			this.renewed = song;
			this.start(at, this.wanted);
		} else if (error?.code === MediaError.MEDIA_ERR_NETWORK || !navigator.onLine) {
			this.missed({ status: 0,
			    message: 'The song can’t be reached. Trying again…' }, at, this.wanted);
		} else if (this.sound.version?.isFile) {
			/* it said that it does */
			this.refused = song;
			this.start(0, this.wanted);
		} else {
			this.skip('Your browser can’t play this format.');
		}
	}

	skip(why)
	{
		const title = this.item?.title ?? 'The song';
		const to = this.queue.after(false);

		this.failures++;
		if (to < 0 || this.failures >= this.queue.ids.length) {
			toast(`“${title}” was not played. ${why}`, { tone: 'bad' });
			this.pause();
			this.told();
			return;
		}
		toast(`“${title}” was skipped. ${why}`, { tone: 'bad' });
		this.queue.at = to;
		this.start(0, this.wanted);
	}

	/* Fetches the next song into the other element, so that it begins without a pause. */
	async prepare()
	{
		const to = this.queue.after(true);
		const id = this.queue.ids[to];
		const { run } = this;

		this.failures = 0;
		if (!id || this.spare.song === id || this.readying === id ||
		    !this.length || this.length - this.sound.currentTime > AHEAD_S)
			return;
		this.readying = id;
		try {
			await this.load(this.spare, id, run);
		} catch {
			/* it is fetched again when its turn comes */
		}
		this.readying = null;
	}

	/* On to the next one; `ended`: by itself. */
	advance(ended)
	{
		const to = this.queue.after(ended);

		if (to < 0) {
			this.pause();
			this.seek(0);
			this.told();
			return null;
		}
		this.queue.at = to;
		const ready = ended && this.spare.song === this.queue.current &&
		    !this.spare.error && !expired(this.spare.src);
		if (!ready)
			return this.start(0, true);
		[this.sound, this.spare] = [this.spare, this.sound];
		this.run = {};
		this.started = this.queue.current;
		this.spare.song = null;
		this.sound.currentTime = 0;
		this.level();
		this.changed();
		this.announceSystem();
		return this.resume();
	}

	/* The one that played is gone, another one has its place. */
	replace()
	{
		if (this.queue.ids.length)
			this.start(0, this.playing);
		else
			this.close();
	}

	drop(id)
	{
		if (this.queue.remove(id))
			this.replace();
		this.changed();
	}

	level()
	{
		const whole = !this.queue.isShuffled && this.ofOneAlbum();

		this.sound.volume = Math.min(1, this.volume * gainOf(this.item, whole));
	}

	/* Songs of one album keep how loud they are to each other. */
	ofOneAlbum()
	{
		const album = this.item?.metadata?.album;
		const { ids, at } = this.queue;

		return Boolean(album) && [ids[at - 1], ids[at + 1]].some((id) =>
		    id && known(id)?.metadata?.album === album);
	}

	/* --- what is shown of it */

	told()
	{
		this.bar.show();
		this.position();
	}

	changed()
	{
		this.save();
		this.bar.draw();
		this.told();
	}

	/* The buttons of the keyboard, of headphones and of the lock screen. */
	system()
	{
		const session = navigator.mediaSession;
		const by = (seconds) => this.seek(this.sound.currentTime + seconds);
		const actions = {
			play: () => this.toggle(), pause: () => this.pause(),
			previoustrack: () => this.previous(), nexttrack: () => this.next(),
			seekbackward: (d) => by(-(d.seekOffset ?? SEEK_S)),
			seekforward: (d) => by(d.seekOffset ?? SEEK_S),
			seekto: (d) => this.seek(d.seekTime), stop: () => this.close(),
		};

		for (const [name, run] of Object.entries(actions))
			try {
				session?.setActionHandler(name, this.dead ? null : run);
			} catch {
				/* this browser does not know it */
			}
	}

	announceSystem()
	{
		const { item } = this;
		const url = item && thumbnail(item, 320);

		if (!navigator.mediaSession || !item)
			return;
		navigator.mediaSession.metadata = new MediaMetadata({ title: item.title,
		    artist: item.metadata?.artist ?? '', album: item.metadata?.album ?? '',
		    artwork: url ? [{ src: url }] : [] });
	}

	position()
	{
		const session = navigator.mediaSession;
		const duration = this.length;

		if (!session)
			return;
		session.playbackState = this.playing ? 'playing' : 'paused';
		if (duration > 0 && this.started === this.queue.current)
			session.setPositionState?.({ duration,
			    position: Math.min(duration, this.sound.currentTime),
			    playbackRate: this.sound.playbackRate });
	}

	key(event)
	{
		const keys = { p: () => this.toggle(), '[': () => this.previous(),
		    ']': () => this.next() };

		if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey ||
		    document.querySelector('dialog[open]') || !keys[event.key])
			return;
		event.preventDefault();
		keys[event.key]();
	}

	/* --- over a reload */

	save()
	{
		const place = this.started === this.queue.current ? this.sound.currentTime :
		    this.left ?? 0;

		if (this.dead || !this.queue.ids.length || !me.user)
			return;
		this.saved = Date.now();
		localStorage.setItem(KEPT, JSON.stringify({ ...this.queue.state, place,
		    user: me.user.id }));
	}

	/* What was played before the page was loaded, paused. */
	async restore()
	{
		let kept = null;

		try {
			kept = JSON.parse(localStorage.getItem(KEPT));
		} catch {
			/* somebody else's */
		}
		if (!kept?.ids?.length || kept.user !== me.user?.id) {
			this.close();
			return;
		}
		this.queue = new Queue(kept);
		this.left = kept.place || 0;
		this.bar.draw();
		try {
			await fetchItem(this.queue.current);
			this.changed();
		} catch (problem) {
			if (problem.status === 404)
				this.drop(this.queue.current);
		}
	}

	/* Ends it all: nothing is to be played any more, or nobody is signed in. */
	close()
	{
		this.run = null;
		this.dead = true;
		this.stop?.();
		for (const audio of [this.sound, this.spare]) {
			audio.pause();
			audio.removeAttribute('src');
			audio.load();
		}
		removeEventListener('keydown', this.onkey);
		removeEventListener('pagehide', this.onhide);
		document.removeEventListener('play', this.onplay, true);
		document.removeEventListener('volumechange', this.onsound, true);
		this.sound.version?.end();
		this.spare.version?.end();
		this.offs.forEach((off) => off());
		this.system();
		if (navigator.mediaSession) {
			navigator.mediaSession.metadata = null;
			navigator.mediaSession.playbackState = 'none';
		}
		localStorage.removeItem(KEPT);
		this.bar.remove();
		if (music === this)
			music = null;
	}
}

let music = null;

const player = () => (music ??= new Music());

/* Begins with these, at one of them. Others than songs are left out. */
export function
play(items, first, at)
{
	const songs = items.filter(playable);

	if (songs.length)
		player().play(songs, first, at);
	else
		toast('There are no songs among these.');
}

export function
add(items, soon)
{
	const songs = items.filter(playable);

	if (songs.length)
		player().add(songs, soon);
	else
		toast('There are no songs among these.');
}

/* A song that was played elsewhere goes on here, in front of what is in the queue. */
export function
takeOver(item, at)
{
	if (!music?.queue.ids.length) {
		play([item], item, at);
		return;
	}
	music.queue.add([item.id], true);
	music.queue.at = music.queue.ids.indexOf(item.id);
	music.start(at, true);
}

export const isPlaying = () => Boolean(music?.queue.ids.length);

/* All that a list has, in its order. */
export async function
playAll(query)
{
	const songs = [];
	let cursor = null;

	do {
		const page = await list({ ...query, kind: 'audio', limit: FETCHED_AT_ONCE,
		    cursor });

		songs.push(...page.items.filter(playable));
		cursor = page.next;
	} while (cursor && songs.length < QUEUE_MAX);
	play(songs);
}

export const restore = () => player().restore();
