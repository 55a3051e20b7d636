/*
 * What not every browser plays as it is: this one is asked whether it does. Otherwise the server
 * makes a version that it plays. Shows how far that is, over the player, and says why it cannot be
 * made. Live events tell it; after a lost connection it asks.
 */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';

const EVENT = 'media.playback.';
const DWELL_MS = 300;
const POLL_MS = 5000; /* for visitors, who have no live events */

/* What the server has to play of an item, and a request for it: GET and POST of one path. */
const path = (item) => `/media/${item.id}/playback`;
export const stateOf = (item, query) => item.visited?.playback(item.id, query, 'GET') ??
    api.get(path(item), query, { patient: true });
const request = (item, query) => item.visited?.playback(item.id, query, 'POST') ??
    api.post(path(item), query ?? undefined, { again: true, patient: true });

/* The address of the file, if this browser plays what the server knows of it; else null. */
export const playableFile = ({ file }) =>
    (file && document.createElement('video').canPlayType(file.contentType) ? file.url : null);

export class Preparation {
	/* refused: the browser did not play the file although it should */
	constructor(item, place, refused)
	{
		this.item = item;
		this.query = refused ? { original: false } : null;
		this.what = item.kind === 'video' ? 'video' : 'song';
		this.place = place;
		this.heading = h('p.player-wait-title', { role: 'status' });
		this.bar = h('progress', { max: '100', 'aria-label': 'Prepared' });
		this.text = h('p.player-wait-text');
		this.node = h('div.player-wait', null, this.heading, this.bar, this.text);
		this.offs = [
			on('server-event', ({ type, data }) => type.startsWith(EVENT) &&
			    data.mediaId === item.id && this.heard(type.slice(EVENT.length), data)),
			on('resync', () => this.look()),
			on('live', ({ state }) => state === 'on' && this.look()),
		];
	}

	/* The address to play, however long that takes. */
	address()
	{
		return new Promise((done, failed) => {
			this.done = done;
			this.failed = failed;
			this.begin();
		});
	}

	/* Someone who pages through quickly wants nothing converted. */
	async begin()
	{
		await new Promise((done) => setTimeout(done, DWELL_MS));
		if (this.ended)
			return;
		try {
			const state = await stateOf(this.item, this.query);
			const file = playableFile(state);

			if (this.ended)
				return;
			/* the server may know by now that all browsers play it */
			this.isFile = file !== null || state.transcoded === false;
			if (file !== null) {
				this.end();
				this.done(file);
				return;
			}
			/* What has failed once is begun again by a person only. */
			await this.take(state.status === 'none' ? await this.ask() : state);
		} catch (problem) {
			this.end();
			this.failed(problem);
		}
	}

	ask()
	{
		return request(this.item, this.query);
	}

	async look()
	{
		if (!this.waits)
			return;
		/* A connection that is lost comes back, and with it the next look. */
		const state = await stateOf(this.item, this.query).catch(() => null);

		if (state && this.waits)
			await this.take(state);
		else
			this.poll();
	}

	poll()
	{
		clearTimeout(this.timer);
		if (this.item.visited && this.waits)
			this.timer = setTimeout(() => this.look(), POLL_MS);
	}

	heard(what, data)
	{
		if (!this.waits)
			return;
		if (what === 'progress')
			this.show(data.progress);
		else
			this.look();
	}

	async take(state)
	{
		if (this.ended)
			return;
		if (state.status === 'ready') {
			this.end();
			this.done(state.url);
		} else if (state.status === 'failed') {
			this.tell(state.failure);
		} else {
			this.waits = true;
			this.show(state.progress);
			this.poll();
		}
	}

	put(title, ...rest)
	{
		if (this.heading.textContent !== title)
			this.heading.textContent = title;
		fill(this.text, rest);
		this.node.classList.toggle('failed', !this.waits);
		if (!this.node.isConnected)
			this.place.append(this.node);
		this.place.classList.add('preparing');
	}

	/* percent: undefined before it is begun, and where the length is not known */
	show(percent)
	{
		if (percent === undefined)
			this.bar.removeAttribute('value');
		else
			this.bar.value = percent;
		this.bar.hidden = false;
		this.put(`Preparing this ${this.what}`, percent === undefined ?
		    'Your browser can’t play the file, so it is being converted.' :
		    `${percent}\u00a0% converted`);
	}

	tell({ code, message })
	{
		this.waits = false;
		this.bar.hidden = true;
		const { visited, contentType } = this.item;

		/* Only people of the house begin again what has failed. */
		this.put(`This ${this.what} can’t be played here`,
		    code === 'missing' || (visited && !contentType) ? message :
			`${message} You can still download it.`,
		    visited ? null : h('button',
			{ type: 'button', onclick: (event) => this.retry(event.target) },
			icon('restore'), 'Try again'));
	}

	async retry(button)
	{
		button.disabled = true;
		try {
			await this.take(await this.ask());
			this.place.querySelector('button')?.focus({ preventScroll: true });
		} catch (problem) {
			button.disabled = false;
			this.tell(problem);
		}
	}

	end()
	{
		this.ended = true;
		this.waits = false;
		clearTimeout(this.timer);
		this.offs.forEach((off) => off());
		this.node.remove();
		this.place.classList.remove('preparing');
	}
}
