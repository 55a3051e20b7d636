/* The SHA-256 of files, computed beside the page in a worker that is started when it is needed. */
const asked = new Map(); /* id -> {done, failed, progress} */
let worker = null;
let broken = false;
let nextId = 1;

/* Without a worker files are sent without their sum: the server then sees twins only afterwards. */
function
lost()
{
	broken = true;
	asked.forEach(({ done }) => done(null));
	asked.clear();
}

function
start()
{
	try {
		worker = new Worker(new URL('./hash-worker.js', import.meta.url),
		    { type: 'module' });
	} catch {
		lost();
		return;
	}
	worker.onerror = lost;
	worker.onmessage = ({ data: { id, done, sha256, failed } }) => {
		const one = asked.get(id);

		if (!one)
			return;
		if (done !== undefined) {
			one.progress(done);
			return;
		}
		asked.delete(id);
		if (failed)
			one.failed(new Error('unreadable'));
		else
			one.done(sha256);
	};
}

/*
 * Hexadecimal, or null where it cannot be computed; fails if the file cannot be read. progress(n):
 * so many bytes are done.
 */
export function
hashOf(file, progress)
{
	if (!worker && !broken)
		start();
	if (broken)
		return Promise.resolve(null);
	return new Promise((done, failed) => {
		const id = nextId++;

		asked.set(id, { done, failed, progress });
		worker.postMessage({ id, file });
	});
}
