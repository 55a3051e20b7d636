/* Two-step verification: setting it up, recovery codes, turning it off. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { me } from '../lib/session.js';
import { copyable, Form } from './form.js';
import { prove } from './proof.js';
import { toast } from './toast.js';

const SAVE_CODES = 'Two-step verification is on. Save these recovery codes: ' +
    'each replaces the app once, and they are not shown again.';

export function
factorPanel()
{
	const place = h('div.panel-part');
	const state = h('span.pill');
	const begin = async () => {
		const begun = await prove({ title: 'Set up two-step verification', yes: 'Continue',
		    run: (proof) => api.post('/auth/totp', proof, { proves: true }) });

		if (begun)
			await setUp(begun.answer);
	};
	const setUp = async ({ secret, uri }) => {
		/* without the picture, the secret does as well */
		const picture = await import('./qr.js').then(({ qr }) => qr(uri,
		    'QR code for the authenticator app'), () => null);
		const { node } = Form({
			fields: [{
				name: 'code', label: 'Code from the app', required: true,
				autocomplete: 'one-time-code', inputmode: 'numeric',
				pattern: '[0-9]{6}', maxlength: '6',
			}],
			yes: 'Turn on',
			run: (values) => api.post('/auth/totp/confirm', values),
			done: ({ recoveryCodes }) => {
				me.user.totpEnabled = true;
				draw();
				place.prepend(h('div.once', { role: 'status' },
				    h('p', null, SAVE_CODES),
				    copyable(recoveryCodes.join('\n'), 'Recovery codes')));
			},
		});

		fill(place,
		    h('p', null, 'Scan this with your authenticator app, or enter the secret.'),
		    picture,
		    h('a', { href: uri }, 'Open in an authenticator app on this device'),
		    copyable(secret, 'Secret'), node);
	};
	const off = async () => {
		if (!(await prove({ title: 'Turn off two-step verification?',
		    text: 'You will sign in with your password only.', yes: 'Turn off',
		    danger: true,
		    run: (proof) => api.post('/auth/totp/disable', proof, { proves: true }) })))
			return;
		me.user.totpEnabled = false;
		toast('Two-step verification is off');
		draw();
	};
	const draw = () => {
		const on = me.user.totpEnabled;

		state.textContent = on ? 'On' : 'Off';
		state.className = on ? 'pill good' : 'pill';
		fill(place, on ? h('button', { type: 'button', onclick: off }, 'Turn off') :
		    h('button', { type: 'button', onclick: begin }, 'Set up'));
	};

	draw();
	return h('section.panel', { 'aria-label': 'Two-step verification' },
	    h('h2', null, 'Two-step verification ', state),
	    h('p', null, 'Sign in with your password and a code from an app on your phone.'),
	    place);
}
