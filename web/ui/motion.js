/*
 * The clip of a motion photo or a live photo, played over the still picture: while the pointer
 * rests on it, while it is pressed, or by a button.
 */
import { h, icon } from '../lib/dom.js';
import { motionUrl } from '../lib/media.js';
import { fail } from './toast.js';

const REST_MS = 250; /* of a pointer: one that passes by starts nothing */
const PRESS_MS = 350;
const MOVED = 4; /* pixels: less is a hand that trembles */

const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

class Clip {
	constructor(item, place)
	{
		this.item = item;
		this.place = place;
		this.video = null;
	}

	/* ended: what happens when it stops by itself; without: it plays again and again. */
	async play(ended, sound = false)
	{
		if (this.video)
			return;
		const video = h('video.motion-clip', { playsinline: '', 'aria-hidden': 'true',
		    tabindex: '-1' });

		this.video = video;
		/* it was made as the pictures were */
		video.dataset.turn = this.item.turnBy ?? 0;
		video.muted = !sound;
		video.loop = !ended;
		if (ended)
			video.addEventListener('ended', ended);
		try {
			video.src = await motionUrl(this.item.id);
			if (this.video !== video)
				return;
			this.place.append(video);
			await video.play();
		} catch (problem) {
			if (this.video !== video)
				return; /* it was stopped meanwhile */
			this.stop();
			throw problem;
		}
	}

	stop()
	{
		this.video?.pause();
		this.video?.remove();
		this.video = null;
	}
}

/* In a grid: the pointer has come onto a tile. */
export function
overTile(tile)
{
	const clip = new Clip(tile.item, tile.art);
	/* It may have been clicked, and be covered, before this module was there. */
	const rests = () => tile.node.matches(':hover') && !document.querySelector('.lightbox');
	const timer = setTimeout(() => rests() && clip.play().catch(() => null), REST_MS);
	const leave = () => {
		clearTimeout(timer);
		clip.stop();
	};

	if (still())
		clearTimeout(timer);
	for (const type of ['pointerleave', 'click'])
		tile.node.addEventListener(type, leave, { once: true });
}

/* Over a large picture: the button, and pressing the picture. */
export function
overPicture(item, frame)
{
	const clip = new Clip(item, frame);
	const button = h('button.motion-button', { type: 'button', 'aria-pressed': 'false' },
	    icon('motion'), 'Play motion');
	const stop = () => {
		clip.stop();
		button.setAttribute('aria-pressed', 'false');
	};
	const play = (ended, sound) => {
		button.setAttribute('aria-pressed', 'true');
		clip.play(ended, sound).catch((problem) => {
			stop();
			fail(problem);
		});
	};
	let press = 0;

	/* Where the pointer's coming has started it, the click that follows adds the sound. */
	button.addEventListener('click', () => {
		const heard = clip.video && !clip.video.muted;

		stop();
		if (!heard)
			play(stop, true);
	});
	button.addEventListener('pointerenter', (event) => {
		if (event.pointerType === 'mouse' && !still() && !clip.video)
			play(stop, false);
	});
	button.addEventListener('pointerdown', (event) => event.stopPropagation());
	frame.addEventListener('pointerdown', () => {
		press = setTimeout(() => play(stop, true), PRESS_MS);
	});
	for (const type of ['pointerup', 'pointercancel', 'pointermove'])
		frame.addEventListener(type, (event) => {
			const moved = Math.hypot(event.movementX, event.movementY);

			if (type === 'pointermove' && moved < MOVED)
				return;
			clearTimeout(press);
			if (press)
				stop();
			press = 0;
		});
	frame.append(button);
}
