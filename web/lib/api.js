/*
 * The API client, the only place that calls fetch. It adds the token, renews it once for all tabs,
 * waits where the server asks to wait, and turns every failure into a Problem with plain words.
 */
import * as session from './session.js';

const BASE = '/api';
const TIMEOUT_MS = 20000;
const TRIES = 4;
const LONGEST_WAIT_MS = 90000;
const ROTATED_WAIT_MS = 400;
const SPREAD_MS = 600;

const wait = (s) => Math.max(1, Math.ceil(s));
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const WORDS = {
	0: 'Can’t reach the server. Check your connection and try again.',
	400: 'The server did not understand this request. Reload the page and try again.',
	401: 'You are not signed in. Sign in again.',
	403: 'You don’t have permission to do this.',
	404: 'This doesn’t exist, or you don’t have access to it.',
	409: 'This changed in the meantime. Reload the page and try again.',
	412: 'Someone else changed this. Check the new version and try again.',
	413: 'This is too large for the server.',
	415: 'This file type can’t be uploaded.',
	429: 'Too many requests.',
	500: 'Something went wrong on the server. Try again later.',
	503: 'The server is busy or under maintenance. Try again shortly.',
	507: 'The server is out of storage space.',
};

export class Problem extends Error {
	constructor(status, body = {}, retryAfter = 0)
	{
		const field = body.errors?.[0];
		const words = WORDS[status] ?? WORDS[status >= 500 ? 500 : 400];

		super(field?.message ?? body.detail ??
		    (status === 0 && !navigator.onLine ? 'You are offline.' : words));
		this.status = status;
		this.code = body.code ?? (status ? `http_${status}` : 'unreachable');
		this.errors = body.errors ?? [];
		this.requestId = body.requestId ?? null;
		this.retryAfter = retryAfter || body.retryAfter || 0;
		if (status === 429)
			this.message = `${WORDS[429]} Try again in ${wait(this.retryAfter)} s.`;
	}
}

/* What the script of index.html has asked for: {token, by, gets}, each used once. */
const early = window.early ?? { gets: {} };

function
earlyAnswer(method, { pathname, search }, token)
{
	const path = (pathname + search).slice(BASE.length + 1);
	const answer = early.gets[path];

	if (method !== 'GET')
		return null;
	delete early.gets[path];
	return token === early.by && performance.now() < TIMEOUT_MS ? answer : null;
}

/* One request, sent once. */
async function
exchange(method, path, { query, body, headers, signal, token })
{
	const url = new URL(BASE + path, location.origin);
	const limit = AbortSignal.timeout(TIMEOUT_MS);
	let response;

	for (const [name, value] of Object.entries(query ?? {}))
		if (value !== undefined && value !== null && value !== '')
			url.searchParams.set(name, value);
	try {
		response = await (earlyAnswer(method, url, token) ?? fetch(url, {
			method,
			headers: {
				Accept: 'application/json',
				...(body === undefined ? {} :
				    { 'Content-Type': 'application/json' }),
				...(token ? { Authorization: `Bearer ${token}` } : {}),
				...headers,
			},
			body: body === undefined ? undefined : JSON.stringify(body),
			signal: signal ? AbortSignal.any([signal, limit]) : limit,
			credentials: 'omit',
		}));
		const text = await response.text();
		const data = text && /json/.test(response.headers.get('Content-Type') ?? '') ?
		    JSON.parse(text) : null;

		if (response.ok)
			return data;
		throw new Problem(response.status, data ?? {},
		    Number(response.headers.get('Retry-After')) || 0);
	} catch (error) {
		if (error instanceof Problem || signal?.aborted)
			throw error;
		throw new Problem(response && !response.ok ? response.status : 0);
	}
}

/* Data that lies beside the page. */
export const pageData = (name) => exchange('GET', `/../data/${name}`, {});

async function
renewOnce()
{
	if (session.accessToken())
		return; /* another tab was faster */
	const answer = await early.token;
	early.token = null;
	if (answer && session.adopt(answer))
		return;
	for (let tries = 1;; tries++) {
		const refreshToken = session.refreshToken();

		if (!refreshToken) {
			session.end('out', false); /* elsewhere, a moment ago */
			throw new Problem(401);
		}
		try {
			session.renew(await exchange('POST', '/auth/refresh',
			    { body: { refreshToken } }));
			return;
		} catch (problem) {
			if (problem.code === 'token_rotated' && tries < TRIES) {
				/*
				 * Another tab won the race: its token reaches our storage, or the
				 * server forgives the repetition.
				 */
				await sleep(ROTATED_WAIT_MS * tries);
				if (session.accessToken())
					return;
				continue;
			}
			if (problem.status === 401)
				session.end('ended');
			throw problem;
		}
	}
}

let renewing = null;

function
renew()
{
	const locked = () => (navigator.locks ?
	    navigator.locks.request('medianest-refresh', renewOnce) : renewOnce());

	renewing ??= locked().finally(() => {
		renewing = null;
	});
	return renewing;
}

/*
 * After a 429, nothing of that class is sent until the time is up: an early attempt would only make
 * the wait longer.
 */
const closedUntil = new Map();

/* How a password or code that is sent once more is refused. */
const PROOF_CODES = ['link_password', 'invalid_credentials', 'totp_required', 'totp_invalid'];

const classOf = (method, path) => (path.startsWith('/search') &&
    !path.startsWith('/search/suggest') ? 'search' :
    path === '/media/upload/initiate' ? 'upload' : path.startsWith('/auth/') ? 'auth' : 'other');

/*
 * options: query, body, headers, signal; anonymous (no token); patient (waits out a 429 or 503
 * instead of failing); proves (the body holds the person's password); onwait(ms) is called before
 * each wait. GET, PUT and PATCH are repeated when the connection failed, POST only when `again`
 * allows it.
 */
export async function
request(method, path, options = {})
{
	const kind = classOf(method, path);
	const repeatable = options.again ?? (method !== 'POST');
	let renewed = false;

	for (let tries = 1;; tries++) {
		const closed = (closedUntil.get(kind) ?? 0) - Date.now();
		let token = null;

		if (closed > 0) {
			if (!options.patient || closed > LONGEST_WAIT_MS)
				throw new Problem(429, {}, closed / 1000);
			options.onwait?.(closed);
			/* spreads the pages that wait */
			await sleep(closed + Math.random() * SPREAD_MS);
			if (options.signal?.aborted)
				throw options.signal.reason;
		}
		try {
			if (!options.anonymous) {
				if (!session.accessToken())
					await renew();
				token = session.accessToken();
			}
			return await exchange(method, path, { ...options, token });
		} catch (problem) {
			if (!(problem instanceof Problem))
				throw problem;
			if (options.proves && PROOF_CODES.includes(problem.code))
				throw problem; /* the password or code is wrong, not the token */
			if (problem.status === 401 && token && !renewed) {
				renewed = true;
				session.drop(token);
				continue;
			}
			if (problem.status === 401 && token)
				session.end('ended');
			if (problem.status === 429)
				closedUntil.set(kind,
				    Date.now() + Math.max(1, problem.retryAfter) * 1000);
			/* the browser's word is a hint: try again, but do not keep them waiting */
			if (tries >= (problem.status === 0 && !navigator.onLine ? 2 : TRIES))
				throw problem;
			if (problem.status === 429 && options.patient)
				continue;
			/*
			 * Our first attempt is still running there: only its connection was lost.
			 */
			if (problem.code === 'idempotency_key_in_use') {
				await sleep(Math.max(problem.retryAfter * 1000, 400 * 2 ** tries));
				continue;
			}
			if ([0, 502, 503, 504].includes(problem.status) && repeatable &&
			    (options.patient || problem.status === 0)) {
				await sleep(Math.max(problem.retryAfter * 1000, 400 * 2 ** tries) *
				    (0.8 + Math.random() * 0.4));
				continue;
			}
			throw problem;
		}
	}
}

export const api = {
	get: (path, query, options) => request('GET', path, { query, ...options }),
	post: (path, body, options) => request('POST', path, { body, ...options }),
	put: (path, body, options) => request('PUT', path, { body, ...options }),
	patch: (path, body, options) => request('PATCH', path, { body, ...options }),
	delete: (path, query, options) => request('DELETE', path, { query, ...options }),
};

/* The signed address behind a redirect such as /media/{id}/file; the body is not read. */
export async function
signedUrl(path)
{
	if (!session.accessToken())
		await renew();
	const stop = new AbortController();
	let response;

	try {
		response = await fetch(BASE + path,
		    { headers: { Authorization: `Bearer ${session.accessToken()}` },
			signal: stop.signal, credentials: 'omit' });
	} catch {
		throw new Problem(0,
		    { detail: 'Can’t reach the file store. Check your connection and try again.',
			code: 'store_unreachable' });
	}
	if (!response.ok) {
		const body = /json/.test(response.headers.get('Content-Type') ?? '') ?
		    await response.json() : {};
		throw new Problem(response.status, body);
	}
	stop.abort();
	return response.url;
}

/*
 * Whether the browser can reach another origin at all; it cannot where it does not trust the
 * certificate.
 */
export async function
reachable(origin)
{
	try {
		await fetch(`${origin}/`, { mode: 'no-cors', cache: 'no-store', credentials: 'omit',
		    signal: AbortSignal.timeout(8000) });
		return true;
	} catch {
		return false;
	}
}

/*
 * The first browser says in which time zone this person lives; afterwards they say it themselves.
 * Without it, dates that name no zone count as UTC, so nothing is lost when it does not arrive.
 */
export function
tellZone()
{
	const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
	const { user } = session.me;

	if (timeZone && !user.timeZone && session.can('profile.edit'))
		api.patch('/users/me', { timeZone })
		    .then((now) => Object.assign(user, now), () => {});
}

/*
 * Continues an earlier session. Returns the person, or null when there is no valid refresh token.
 */
export async function
resume()
{
	if (!session.refreshToken())
		return null;
	try {
		session.setUser(await api.get('/auth/session', null, { patient: true }));
	} catch (problem) {
		if (problem.status === 401)
			return null;
		throw problem;
	}
	tellZone();
	return session.me.user;
}

export async function
signOut()
{
	const refreshToken = session.refreshToken();

	try {
		await request('POST', '/auth/logout', { body: { refreshToken }, again: true });
	} finally {
		session.end('out');
	}
}
