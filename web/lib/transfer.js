/* Sends bytes to the file store: a file as a whole, or the parts of it that are missing. */
import { pause } from './again.js';
import { api, Problem } from './api.js';
import { on } from './bus.js';
import { expired } from './media.js';

const PUT_TRIES = 8;
const PART_URLS = 8;           /* asked for together */
const LONGEST_WAIT_MS = 30000;
const STALL_MS = 60000;        /* no byte moved for so long: start again */
const DOUBT_MS = 10000;        /* ...after a sign that the connections may be dead */
const PART_MIN = 5 << 20;
const PART_MAX = 64 << 20;
const PART_FIRST = 8 << 20;    /* while nothing is known of the connection */
const PART_SECONDS = 15;       /* what an interruption costs at most */
const RATE_BYTES = 1 << 20;    /* smaller bodies say nothing of it */
const MIB = 1 << 20;

let rate = 0; /* bytes a second of late */

/* The size of parts that suits the connection. */
export const partSize = () => (rate ? Math.min(PART_MAX, Math.max(PART_MIN,
    Math.round(rate * PART_SECONDS / MIB) * MIB)) : PART_FIRST);

function
measured(size, ms)
{
	if (size >= RATE_BYTES && ms > 0)
		rate = rate ? (rate + size / ms * 1000) / 2 : size / ms * 1000;
}

/*
 * A network that has changed, or has forgotten its connections while this machine slept, tells
 * nobody: the browser would wait for an answer until the end of its patience.
 */
const doubted = new Set();
const doubt = () => doubted.forEach((fn) => fn());

addEventListener('online', doubt);
document.addEventListener('resume', doubt);
on('live', ({ state }) => state === 'on' && doubt());

/* What the store says in its XML. */
function
refusal(xhr)
{
	const said = new DOMParser().parseFromString(xhr.responseText,
	    'text/xml').querySelector('Message')?.textContent;

	return xhr.status === 507 || xhr.status === 503 ? 'The file store is full or busy.' :
	    `The file store refused this file${said ? `: ${said}` : '.'}`;
}

/*
 * One PUT, by XMLHttpRequest because fetch reports no upload progress. Resolves with the ETag.
 * told(n): so many bytes of it were sent.
 */
export function
put(u, url, headers, body, told)
{
	return new Promise((done, failed) => {
		const xhr = new XMLHttpRequest();
		const begun = performance.now();
		let stall = 0;
		const patience = (ms) => {
			clearTimeout(stall);
			stall = setTimeout(() => xhr.abort(), ms);
		};
		const alive = () => patience(STALL_MS);
		const doubtful = () => patience(DOUBT_MS);
		const end = (fn, value) => {
			clearTimeout(stall);
			doubted.delete(doubtful);
			u.xhrs.delete(xhr);
			fn(value);
		};

		u.target = url;
		u.xhrs.add(xhr);
		xhr.open('PUT', url);
		for (const [name, value] of Object.entries(headers ?? {}))
			if (name.toLowerCase() !== 'content-length' &&
			    name.toLowerCase() !== 'host')
				xhr.setRequestHeader(name, value);
		xhr.upload.onprogress = ({ loaded }) => {
			alive();
			told(loaded);
		};
		xhr.onload = () => {
			if (xhr.status >= 200 && xhr.status < 300) {
				measured(body.size, performance.now() - begun);
				end(done, xhr.getResponseHeader('ETag'));
			} else {
				end(failed, new Problem(xhr.status, { detail: refusal(xhr),
				    code: 'store_refused' }));
			}
		};
		xhr.onerror = () => end(failed,
		    new Problem(0, { detail: 'Lost the connection to the file store.',
			code: 'store_unreachable' }));
		xhr.onabort = () => end(failed, new Problem(0, { code: 'aborted' }));
		doubted.add(doubtful);
		alive();
		xhr.send(body);
	});
}

/* What the server knows of a file's upload; null: it has ended without an item. */
export async function
stateOf(u)
{
	try {
		const ticket = await api.get(`/media/upload/${u.uploadId}`, null,
		    { patient: true });

		return ['pending', 'completed'].includes(ticket.status) ? ticket : null;
	} catch (problem) {
		if (problem.status === 404)
			return null;
		throw problem;
	}
}

async function
partUrls(u, numbers)
{
	const answer = await api.post(`/media/upload/${u.uploadId}/parts`, { numbers },
	    { patient: true, again: true });

	return answer.parts;
}

/*
 * Sends the parts that have not arrived yet, one at a time, so that an interruption costs one part
 * at most; a part that fails is repeated alone. ready() resolves when the server can be reached.
 */
export async function
putParts(u, { partSize: size, partCount }, arrived, told, ready)
{
	const there = new Set(arrived.map(({ number }) => number));
	const left = Array.from({ length: partCount }, (_, i) => i + 1).filter((n) =>
	    !there.has(n));
	const urls = new Map();
	let sent = arrived.reduce((sum, one) => sum + one.size, 0);

	told(sent);
	while (left.length) {
		const number = left[0];
		const body = u.file.slice((number - 1) * size, Math.min(u.size, number * size));

		for (let tries = 1;; tries++) {
			try {
				if (!urls.has(number) || expired(urls.get(number))) {
					const fresh = await partUrls(u, left.slice(0, PART_URLS));
					fresh.forEach((part) => urls.set(part.number, part.url));
				}
				await put(u, urls.get(number), null, body,
				    (n) => told(sent + n));
				break;
			} catch (problem) {
				if (u.state !== 'sending' || tries >= PUT_TRIES ||
				    [400, 404, 409].includes(problem.status))
					throw problem;
				urls.clear(); /* they had probably expired */
				told(sent);
				await pause(Math.min(LONGEST_WAIT_MS, 500 * 2 ** tries));
				await ready();
			}
		}
		left.shift();
		urls.delete(number);
		sent += body.size;
		told(sent);
	}
}
