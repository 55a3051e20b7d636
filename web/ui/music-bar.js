/* What is seen of the music: a bar at the lower edge, and the queue above it. */
import { addIcons, calm, fill, h, icon, iconButton } from '../lib/dom.js';
import { duration } from '../lib/format.js';
import { fetchItem, known, thumbnail } from '../lib/media.js';
import { goHere } from '../lib/router.js';
import { showPicture } from './picture.js';

addIcons({
	previous: 'M18 5.5v13L8.5 12zM6 5.5v13', next: 'M6 5.5v13l9.5-6.5zM18 5.5v13',
	shuffle: 'M3 7h4l9 10h5M3 17h4l3-3.4M13 10.4 16 7h5M18.5 4.5 21 7l-2.5 2.5' +
	    'M18.5 14.5 21 17l-2.5 2.5',
	repeat: 'M4 12V8.5h15M16 5.5l3 3-3 3M20 12v3.5H5M8 18.5l-3-3 3-3',
	queue: 'M4 6h16M4 11h10M4 16h10M17 12.5v7l4.5-3.5z', up: 'M5 15l7-7 7 7',
});

const NARROW = matchMedia('(max-width: 800px)');
const REPEAT_WORDS = { off: 'Repeat: off', all: 'Repeat: the queue', one: 'Repeat: this song' };
const ROWS_AHEAD = 8; /* titles of the queue that are fetched before the panel is opened */

/* The sheet comes with the first song too. */
function
style()
{
	if (!document.querySelector('link[href="music.css"]'))
		document.head.append(h('link', { rel: 'stylesheet', href: 'music.css' }));
}

export class MusicBar {
	constructor(music)
	{
		this.music = music;
		style();
		this.cover = h('button.music-cover', { type: 'button', onclick: () => music.item &&
		    goHere({ item: music.item.id }) });
		this.title = h('strong');
		this.artist = h('span.muted');
		this.note = h('span.unseen', { role: 'status' });
		this.previous = iconButton('previous', 'Previous song', () => music.previous());
		this.play = iconButton('play', 'Play', () => music.toggle());
		this.next = iconButton('next', 'Next song', () => music.next());
		this.line = h('input.music-line', { type: 'range', min: '0', max: '1000', step: '1',
		    value: '0', 'aria-label': 'Position in the song', oninput: () =>
			music.seek((this.line.value / 1000) * music.length) });
		this.time = h('span.music-time');
		this.volume = h('input.music-volume', { type: 'range', min: '0', max: '100',
		    value: String(music.volume * 100), 'aria-label': 'Volume of the music',
		    oninput: () => {
			music.loud(this.volume.value / 100);
			this.fillLines();
		    } });
		this.shuffle = iconButton('shuffle', 'Shuffle', () => music.shuffle(),
		    { 'aria-pressed': 'false' });
		this.repeat = iconButton('repeat', REPEAT_WORDS.off, () => music.repeat());
		this.open = iconButton('queue', 'Queue', () => this.toggle(),
		    { 'aria-expanded': 'false', 'aria-controls': 'music-queue' });
		this.close = iconButton('close', 'Stop the music', () => music.close());
		this.list = h('ol.music-list');
		this.panel = h('section.music-queue', { id: 'music-queue', 'aria-label': 'Queue',
		    hidden: true },
		h('header', null, h('h2', null, 'Queue'), this.shuffle, this.repeat), this.list);
		this.node = h('section.music-bar', { 'aria-label': 'Music' }, this.cover,
		    h('div.music-words', null, this.title, this.artist, this.note),
		    this.buttons = h('div.music-buttons', null, this.previous, this.play,
			this.next), this.volume, this.open, this.close);
		this.place = h('div.music-place', null, this.line, this.time);
		this.arrange = () => (NARROW.matches ? this.list.before(this.place) :
		    this.buttons.after(this.place));
		NARROW.addEventListener('change', this.arrange);
		this.arrange();
		const leave = (event) => {
			if (event.key !== 'Escape' || this.panel.hidden)
				return;
			event.stopPropagation();
			this.toggle();
			this.open.focus();
		};
		this.panel.addEventListener('keydown', leave);
		this.node.addEventListener('keydown', leave);
		document.getElementById('toasts').before(this.panel, this.node);
	}

	remove()
	{
		NARROW.removeEventListener('change', this.arrange);
		this.node.remove();
		this.panel.remove();
	}

	say(text)
	{
		this.note.textContent = text;
	}

	toggle()
	{
		this.panel.hidden = !this.panel.hidden;
		this.open.setAttribute('aria-expanded', String(!this.panel.hidden));
		this.draw();
		if (!this.panel.hidden)
			this.list.querySelector('[aria-current]')?.scrollIntoView({ block: 'center',
			    behavior: calm() ? 'instant' : 'auto' });
	}

	/* The song and the queue: after a change of them. */
	draw()
	{
		const { music } = this;
		const { item, queue } = music;
		const words = [item?.metadata?.artist, item?.metadata?.album].filter(Boolean);

		this.title.textContent = item?.title ?? '…';
		this.artist.textContent = words.join(' · ');
		this.drawn = item?.id;
		this.cover.setAttribute('aria-label', `Show ${item?.title ?? 'the song'}`);
		this.art(item);
		this.next.disabled = queue.after(false) < 0;
		this.shuffle.setAttribute('aria-pressed', String(queue.isShuffled));
		this.repeat.setAttribute('aria-label', REPEAT_WORDS[queue.repeat]);
		this.repeat.title = REPEAT_WORDS[queue.repeat];
		this.repeat.classList.toggle('on', queue.repeat !== 'off');
		fill(this.repeat, icon('repeat'),
		    queue.repeat === 'one' ? h('small', null, '1') : null);
		if (!this.panel.hidden)
			this.rows();
		else
			this.titles(queue.ids.slice(queue.at, queue.at + ROWS_AHEAD));
	}

	art(item)
	{
		const url = () => thumbnail(item, 64);

		if (this.shown === item?.id && this.cover.hasChildNodes())
			return;
		this.shown = item?.id;
		if (!item || !url()) {
			fill(this.cover, icon('music'));
			return;
		}
		const image = h('img', { alt: '' });
		fill(this.cover, image);
		showPicture(image, item.id, url);
	}

	/* Titles that the page does not know yet. */
	titles(ids)
	{
		for (const id of ids)
			if (!known(id))
				fetchItem(id).then(() => this.panel.hidden || this.rows(),
				    () => null);
	}

	rows()
	{
		const { music } = this;
		const { ids, at } = music.queue;
		const focused = document.activeElement?.closest?.('.music-list li')?.dataset.id;
		const what = document.activeElement?.dataset?.does;

		fill(this.list, ids.map((id, n) => this.row(id, n, n === at)));
		this.titles(ids);
		/* the row is another node now */
		const row = focused && [...this.list.children]
		    .find((one) => one.dataset.id === focused);
		(row && (row.querySelector(`[data-does="${what}"]:enabled`) ?? row.firstChild))?.
		    focus();
	}

	row(id, n, current)
	{
		const { music } = this;
		const item = known(id);
		const title = item?.title ?? '…';
		const last = music.queue.ids.length - 1;
		const does = (name, node, off) => {
			node.dataset.does = name;
			node.disabled = off;
			return node;
		};
		const go = h('button.music-row', { type: 'button',
		    'aria-current': current ? 'true' : null, onclick: () => music.go(n) },
		h('span', null, title), h('small.muted', null, [item?.metadata?.artist,
		    item?.durationMs ? duration(item.durationMs) : null].filter(Boolean)
		    .join(' · ')));

		const row = h('li', null, does('play', go, false),
		    does('up', iconButton('up', `Move ${title} up`,
			() => music.move(n, n - 1)), n === 0),
		    does('down', iconButton('down', `Move ${title} down`,
			() => music.move(n, n + 1)), n === last),
		    does('remove', iconButton('close', `Remove ${title} from the queue`,
			() => music.remove(id)), false));
		row.dataset.id = id;
		return row;
	}

	/* Where it is: many times a second. */
	show()
	{
		const { music } = this;
		const at = music.started === music.queue.current ? music.sound.currentTime :
		    music.left ?? 0;
		const { length, playing } = music;

		if (this.drawn !== music.item?.id)
			this.draw();
		if (this.playing !== playing) {
			this.playing = playing;
			this.node.dataset.playing = playing;
			fill(this.play, icon(playing ? 'pause' : 'play'));
			this.play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
			this.play.title = playing ? 'Pause' : 'Play';
		}
		this.line.value = String(length ? (at / length) * 1000 : 0);
		this.line.setAttribute('aria-valuetext',
		    `${duration(at * 1000)} of ${duration(length * 1000)}`);
		this.time.textContent = `${duration(at * 1000)} / ${duration(length * 1000)}`;
		this.fillLines();
	}

	fillLines()
	{
		for (const node of [this.line, this.node])
			node.style.setProperty('--done', `${this.line.value / 10}%`);
		this.volume.style.setProperty('--done', `${this.volume.value}%`);
	}
}
