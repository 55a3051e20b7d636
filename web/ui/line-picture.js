/*
 * A small picture of a file that is still on the person's device, at once and without the server:
 * one after another, because a photo of a camera takes a moment to decode.
 */
import { h } from '../lib/dom.js';

const SIDE = 40;
const SIZE_MAX = 50e6;
const WAITING_MAX = 60;
const waiting = [];
let busy = false;

async function
draw({ u, canvas })
{
	const dots = SIDE * Math.min(devicePixelRatio || 1, 2);
	const bitmap = await createImageBitmap(u.file, { resizeHeight: dots * 2,
	    resizeQuality: 'low' });
	const scale = Math.max(dots / bitmap.width, dots / bitmap.height);
	const width = bitmap.width * scale;
	const height = bitmap.height * scale;

	canvas.width = canvas.height = dots;
	canvas.getContext('2d').drawImage(bitmap, (dots - width) / 2, (dots - height) / 2, width,
	    height);
	bitmap.close();
	canvas.hidden = false;
}

async function
next()
{
	const one = waiting.shift();

	busy = Boolean(one);
	if (!one)
		return;
	/* What the browser cannot decode has its icon. */
	if (one.u.file)
		await draw(one).catch(() => {});
	next();
}

/* A canvas that shows itself once there is something on it; null if the file is no picture. */
export function
linePicture(u)
{
	if (!u.file || !u.type.startsWith('image/') || u.size > SIZE_MAX ||
	    !window.createImageBitmap || waiting.length >= WAITING_MAX)
		return null;
	const canvas = h('canvas.line-picture', { hidden: true, 'aria-hidden': 'true' });

	waiting.push({ u, canvas });
	if (!busy)
		next();
	return canvas;
}
