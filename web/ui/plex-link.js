/* The person's Plex account: linking it, and taking the link away. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { me } from '../lib/session.js';
import { confirmWithPlex, plexWindow } from './plex-pin.js';
import { prove } from './proof.js';
import { fail, toast } from './toast.js';

export function
plexPanel()
{
	const place = h('div.panel-part');
	let waiting = false;
	const link = async () => {
		/* the dialog ends with a click or Enter, which lets a window open */
		const begun = await prove({ title: 'Link your Plex account?', yes: 'Link',
		    text: 'You can then sign in with Plex, and request titles in your name.',
		    run: async (proof) => {
			const win = plexWindow();

			try {
				return { win, pin: await api.post('/auth/plex/pin', proof,
				    { proves: true }) };
			} catch (problem) {
				win?.close();
				throw problem;
			}
		} });

		if (!begun)
			return;
		const { win, pin } = begun.answer;
		waiting = true;
		try {
			const answer = await confirmWithPlex({ begin: () => pin, win,
			    show: (node) => fill(place, node, h('button', { type: 'button',
				onclick: () => {
					waiting = false;
					draw();
				} }, 'Cancel')),
			    stopped: () => !waiting || !place.isConnected });
			if (answer?.status === 'linked') {
				me.user.plexLinked = true;
				toast('Your Plex account is linked');
			} else if (waiting) {
				toast('Plex was not confirmed in time. Try again.');
			}
		} catch (problem) {
			fail(problem);
		}
		waiting = false;
		draw();
	};
	const unlink = async () => {
		const done = await prove({ title: 'Unlink your Plex account?', yes: 'Unlink',
		    danger: true, text: 'You can then no longer sign in with Plex.',
		    run: async (proof) => {
			await api.post('/auth/plex/unlink', proof, { proves: true });
			return true;
		} });

		if (!done)
			return;
		me.user.plexLinked = false;
		toast('Your Plex account is unlinked');
		draw();
	};
	const draw = () => fill(place, me.user.plexLinked ? [
		h('p', null, 'Linked. You can sign in with Plex.'),
		h('button', { type: 'button', onclick: unlink }, 'Unlink Plex')] : [
		h('p', null, 'Link it to sign in with Plex and to request titles in your name.'),
		h('button', { type: 'button', onclick: link }, 'Link Plex')]);

	draw();
	return h('section.panel', { 'aria-label': 'Plex' }, h('h2', null, 'Plex'), place);
}
