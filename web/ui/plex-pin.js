/*
 * Confirming something with one's Plex account: plex.tv opens in a window of its own, and the
 * server is asked until the person has confirmed there.
 */
import { api } from '../lib/api.js';
import { h } from '../lib/dom.js';

const ASK_MS = 3000;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/*
 * Opened before anything is awaited: browsers allow a new window only as an answer to a click.
 * Returns null where they do not.
 */
export function
plexWindow()
{
	const win = open('', '_blank', 'popup,width=600,height=720');

	if (win)
		win.opener = null;
	return win;
}

/*
 * begin() starts a PIN; where: shows how to go on; stopped(): the person gave up. Resolves with
 * the last answer, with null when it was stopped or the PIN expired.
 */
export async function
confirmWithPlex({ begin, win, show, stopped, options })
{
	let pin;

	try {
		pin = await begin();
	} catch (problem) {
		win?.close();
		throw problem;
	}
	if (win)
		win.location = pin.url;
	show(h('p', { role: 'status' }, 'Confirm in the window of Plex. ',
	    h('a', { href: pin.url, target: '_blank', rel: 'noopener noreferrer' },
		win ? 'Open it again' : 'Open plex.tv')));
	while (Date.parse(pin.expiresAt) > Date.now() && !stopped()) {
		await sleep(ASK_MS);
		if (stopped())
			return null;
		try {
			const answer = await api.get(`/auth/plex/pin/${pin.id}`, null, options);
			if (answer.status !== 'pending') {
				win?.close();
				return answer;
			}
		} catch (problem) {
			/* a lost answer or a busy server is no answer */
			if (![0, 429, 502, 503, 504].includes(problem.status))
				throw problem;
		}
	}
	return null;
}
