/* What links in emails and invitations open, and what people can do without being signed in. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { refreshToken } from '../lib/session.js';
import { join } from '../lib/sign-in.js';
import { Form } from '../ui/form.js';

const NEW_PASSWORD = { name: 'password', type: 'password', autocomplete: 'new-password',
    required: true, minlength: '8', maxlength: '256' };
const EMAIL = { name: 'email', label: 'Email', type: 'email', autocomplete: 'username',
    required: true, maxlength: '254' };
const PASSWORD_HINT = 'At least 8 characters; a few unrelated words are best.';
const INVITED = 'You’re invited. Choose a display name and a password.';
const WILL_SWITCH = 'This browser is already signed in. It will switch to the new account.';
const anonymous = { anonymous: true };

const paragraph = (text) => h('p', null, text);
const toSignIn = (text = 'Go to sign-in') => h('a.button.primary', { href: '#/' }, text);

function
said(name, title, ...words)
{
	return [h('h1', { tabindex: '-1' }, title),
	    h('div.door-said', { role: 'status' }, icon(name), words)];
}

const checkEmail = (show, text) => show(said('bell', 'Check your email', paragraph(text)),
    toSignIn());

/*
 * token: what the link carries; show(...nodes) replaces the content of the card; done(user): the
 * person is signed in now; out(note): goes to the sign-in page.
 */
const DOORS = {
	join: ({ invite, email }, { show, done }) => {
		const { node } = Form({
			fields: [
				{ name: 'displayName', label: 'Display name', autocomplete: 'name',
				    required: true, maxlength: '100' },
				{ ...EMAIL, value: invite ? email : null },
				{ ...NEW_PASSWORD, label: 'Password', hint: PASSWORD_HINT },
			],
			before: invite ? paragraph(INVITED) : null,
			extra: refreshToken() ? h('p.form-note', null, WILL_SWITCH) : null,
			yes: 'Join',
			run: (values) => join({ ...values, ...(invite ? { invite } : {}) }),
			done: (user, { email }) => (user ? done(user) : checkEmail(show,
			    `We sent a link to ${email}. Follow it to create your account.`)),
		});

		return ['Join MediaNest', node,
		    h('p.door-links', null, h('a', { href: '#/' }, 'I already have an account'))];
	},
	confirm: ({ token }, { show }) => ['Confirm your email address', Form({
		fields: [], before: paragraph('One more step: confirm that this address is yours.'),
		yes: 'Confirm',
		run: () => api.post('/auth/confirm', { token: token ?? '-' }, anonymous),
		done: () => show(said('check', 'Confirmed',
		    paragraph('Your email address is confirmed.')),
		    toSignIn('Continue')),
	}).node],
	forgot: (params, { show }) => ['Forgot your password?', Form({
		fields: [EMAIL],
		before: paragraph('We will send you a link to choose a new password.'),
		yes: 'Send link',
		run: (values) => api.post('/auth/password/forgot', values, anonymous),
		done: (answer, { email }) => checkEmail(show,
		    `If ${email} has an account here, we sent it a link. It works for 30 minutes.`),
	}).node, h('p.door-links', null, h('a', { href: '#/' }, 'Back to sign-in'))],
	unsubscribe: ({ token }, { show }) => ['Stop these emails?', Form({
		fields: [], before: paragraph('You will no longer get emails of this kind. ' +
		    'Your notifications stay on the page.'),
		yes: 'Stop these emails',
		run: () => api.post('/notifications/unsubscribe', undefined,
		    { ...anonymous, query: { token: token ?? '-' }, again: true }),
		done: () => show(said('check', 'Done', paragraph('You will not get these emails ' +
		    'any more. You can change this in the notification settings.')),
		toSignIn('Continue')),
	}).node],
	reset: ({ token }, { out }) => ['Choose a new password', Form({
		fields: [{ ...NEW_PASSWORD, label: 'New password',
		    hint: 'At least 8 characters. This signs you out on all your devices.' }],
		yes: 'Save password',
		run: (values) => api.post('/auth/password/reset',
		    { token: token ?? '-', ...values }, anonymous),
		done: () => out('Your password is changed. Sign in with the new one.'),
	}).node],
};

export function
mount(root, { name, params }, { done, out })
{
	const card = h('div.card');
	const show = (...nodes) => {
		fill(card, h('img.logo', { src: 'icon.svg', alt: '', width: '56', height: '56' }),
		    nodes);
		card.querySelector('h1').focus();
	};
	const [title, ...content] = DOORS[name](params, { show, done, out });

	show(h('h1', { tabindex: '-1' }, title), content);
	fill(root, h('main.door', null, card));
	card.querySelector('input')?.focus();
	document.title = `${title} · MediaNest`;
}
