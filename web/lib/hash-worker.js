/*
 * A worker that computes the SHA-256 of files: {id, file} in; {id, done} as it goes and
 * {id, sha256} or {id, failed} at the end. It holds no more of a file than a slice: 4 MB, or a
 * small file whole.
 */
import { Sha256 } from './sha256.js';

const SLICE = 4e6;
const WHOLE_MAX = 16e6; /* the browser's own is faster, but wants all bytes at once */

const hex = (buffer) => Array.from(new Uint8Array(buffer),
    (b) => b.toString(16).padStart(2, '0')).join('');

async function
sha256(id, file)
{
	const sum = new Sha256();

	if (file.size <= WHOLE_MAX && crypto.subtle)
		return hex(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
	for (let at = 0; at < file.size; at += SLICE) {
		const bytes = await file.slice(at, at + SLICE).arrayBuffer();

		/* One that has become shorter meanwhile is another file. */
		if (bytes.byteLength !== Math.min(SLICE, file.size - at))
			throw new Error('changed');
		sum.update(new Uint8Array(bytes));
		postMessage({ id, done: at + bytes.byteLength });
	}
	return sum.digest();
}

addEventListener('message', async ({ data: { id, file } }) => {
	try {
		postMessage({ id, sha256: await sha256(id, file) });
	} catch {
		postMessage({ id, failed: true });
	}
});
