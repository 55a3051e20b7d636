/* The sign-in form. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { signedIn, signIn } from '../lib/sign-in.js';

const EMAIL = 'medianest.email';
const EVERYTHING = { passwordReset: true, registration: true, plex: true };

const PLEX_FAILED = {
	plex_not_linked: 'No account here is linked to this Plex account. Sign in with your ' +
	    'password, then link Plex on the account page.',
	totp_required: 'Your account uses two-step verification. Sign in with your password.',
};

/* done(user) is called after signing in; note: why the person is here again. */
export function
mount(root, { note, done })
{
	let wantsCode = false;
	const email = h('input', { type: 'email', id: 'email', name: 'email',
	    autocomplete: 'username', required: true, maxlength: '254',
	    value: localStorage.getItem(EMAIL) ?? '' });
	const password = h('input', { type: 'password', id: 'password', name: 'password',
	    autocomplete: 'current-password', required: true, maxlength: '256' });
	const code = h('input', { type: 'text', id: 'totp', name: 'totp',
	    autocomplete: 'one-time-code', inputmode: 'numeric', maxlength: '32' });
	const codeRow = h('div', { hidden: true },
	    h('label', { for: 'totp' }, 'Code from your app, or a recovery code'), code);
	const stay = h('input', { type: 'checkbox', id: 'stay', checked: true });
	const said = h('p.form-error', { role: 'alert', hidden: true });
	const small = h('small');
	const button = h('button.primary', { type: 'submit' }, 'Sign in');
	const say = (text, requestId) => {
		said.hidden = !text;
		fill(said, icon('alert'),
		    h('span', null, text, requestId ? [h('br'), small] : null));
		small.textContent = requestId ? `Request ${requestId}` : '';
	};
	const submit = async (event) => {
		event.preventDefault();
		if (button.disabled)
			return;
		button.disabled = true;
		button.textContent = 'Signing in…';
		say('');
		try {
			const user = await signIn(email.value.trim(), password.value,
			    wantsCode ? code.value.trim() : undefined, stay.checked);
			localStorage.setItem(EMAIL, email.value.trim());
			done(user);
			return;
		} catch (problem) {
			failed(problem);
		}
		button.disabled = false;
		button.textContent = 'Sign in';
	};
	const failed = (problem) => {
		if (problem.code === 'totp_required') {
			wantsCode = true;
			codeRow.hidden = false;
			code.required = true;
			code.focus();
			return;
		}
		if (problem.code === 'invalid_credentials') {
			say(wantsCode ? 'Wrong email address, password or code.' :
			    'Wrong email address or password.');
			password.select();
			password.focus();
		} else if (problem.status === 429) {
			say(`Too many attempts. Try again in ${waitText(problem.retryAfter)}.`,
			    problem.requestId);
		} else {
			say(problem.message, problem.requestId);
		}
	};

	const withPlex = async () => {
		const { confirmWithPlex, plexWindow } = pinModule;
		const win = plexWindow();

		say('');
		plex.disabled = true;
		try {
			const answer = await confirmWithPlex({ win, options: { anonymous: true },
			    begin: () => api.post('/auth/plex/pin', undefined, { anonymous: true }),
			    show: (node) => fill(plexPlace, node),
			    stopped: () => !plex.isConnected });
			if (answer?.token) {
				done(await signedIn(answer, stay.checked));
				return;
			}
			if (plex.isConnected)
				say('Plex was not confirmed in time. Try again.');
		} catch (problem) {
			say(PLEX_FAILED[problem.code] ?? problem.message, problem.requestId);
		}
		fill(plexPlace);
		plex.disabled = false;
	};
	let pinModule = null;
	const plexPlace = h('div');
	const plex = h('button', { type: 'button', onclick: withPlex, hidden: true },
	    'Sign in with Plex');

	const offerPlex = () => import('../ui/plex-pin.js').then((module) => {
		/* there before the click: a window opens only at once */
		pinModule = module;
		plex.hidden = false;
	}, () => {});
	const forgot = h('a', { href: '#/forgot', hidden: true }, 'Forgot your password?');
	const create = h('a', { href: '#/join', hidden: true }, 'Create an account');
	/* While it is not known what the house offers, everything is. */
	api.get('/auth/options', null, { anonymous: true }).catch(() => EVERYTHING)
	    .then((offer) => {
		forgot.hidden = !offer.passwordReset;
		create.hidden = !offer.registration;
		if (offer.plex)
			offerPlex();
	});

	fill(root, h('main.door', null,
	    h('form.card', { onsubmit: submit, 'aria-labelledby': 'door-title' },
		h('img.logo', { src: 'icon.svg', alt: '', width: '56', height: '56' }),
		h('h1', { id: 'door-title' }, 'MediaNest'),
		note ? h('p.form-note', { role: 'status' }, note) : null, said,
		h('label', { for: 'email' }, 'Email'), email,
		h('label', { for: 'password' }, 'Password'), password, codeRow,
		h('label.check', { for: 'stay' }, stay, 'Stay signed in on this device'), button,
		plex, plexPlace,
		h('p.door-links', null, forgot, create))));
	document.title = 'Sign in · MediaNest';
	(email.value ? password : email).focus();
}

function
waitText(seconds)
{
	return seconds < 90 ? `${Math.max(1, Math.ceil(seconds))} s` :
	    `${Math.ceil(seconds / 60)} minutes`;
}
