/*
 * Trying again by itself what failed and may work soon: after a while, longer each time, and at
 * once when the network or the person is back.
 */
import { on } from './bus.js';

const FIRST_MS = 1500;
const LONGEST_MS = 60000;
/* signs that come in a row count once, and pages do not all come back in the same moment */
const SPREAD_MS = 400;

const waiting = new Set();

/* Runs fn once; `tries` is how often it has failed in a row. Returns the function that stops it. */
export function
again(fn, tries = 0)
{
	const entry = { hurry: () => {
		clearTimeout(entry.timer);
		entry.timer = setTimeout(entry.run, Math.random() * SPREAD_MS);
	}, run: () => {
		/* nobody looks: it runs when somebody does */
		if (document.visibilityState !== 'visible' || !waiting.delete(entry))
			return;
		fn();
	} };
	const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** tries) * (0.8 + Math.random() * 0.4);

	entry.timer = setTimeout(entry.run, wait);
	waiting.add(entry);
	return () => {
		clearTimeout(entry.timer);
		waiting.delete(entry);
	};
}

/* Resolves after so many milliseconds, or when the network seems to be back. */
export const pause = (ms) => new Promise((done) => {
	const entry = { hurry: () => {
		waiting.delete(entry);
		clearTimeout(timer);
		done();
	} };
	const timer = setTimeout(entry.hurry, ms);

	waiting.add(entry);
});

const hurry = () => [...waiting].forEach((entry) => entry.hurry());

addEventListener('online', hurry);
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' &&
    hurry());
on('live', ({ state }) => state === 'on' && hurry());

/* Calls fn when the person looks at the page again. Returns the function that stops it. */
export function
onReturn(fn)
{
	const back = () => document.visibilityState === 'visible' && fn();

	document.addEventListener('visibilitychange', back);
	return () => document.removeEventListener('visibilitychange', back);
}
