/* A picture that comes in the end: one that failed is fetched again. */
import { again } from '../lib/again.js';
import { expired, refresh } from '../lib/media.js';

/*
 * Sets the address of an img and keeps trying while it is in the document. find() returns the
 * address as it is now: it changes when the item is fetched again, as it is when the address may be
 * the reason.
 */
export function
showPicture(image, id, find)
{
	let tries = 0;
	let stop = null;
	const load = () => {
		const url = find();

		if (url && expired(url))
			refresh(id); /* the item comes with new addresses, and may be drawn again */
		else if (url)
			image.src = url;
	};

	image.addEventListener('load', () => {
		stop?.();
		tries = 0;
		image.classList.add('loaded');
	});
	image.addEventListener('error', () => {
		stop?.();
		if (!tries)
			refresh(id);
		stop = again(() => image.isConnected && load(), tries++);
	});
	image.src = find();
}
