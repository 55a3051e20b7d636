/* What the links of mails and invitations open, and what can be done without being signed in. */
import { api, join } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { refreshToken } from '../lib/session.js';
import { Form } from '../ui/form.js';

const NEW_PASSWORD = { name: 'password', type: 'password', autocomplete: 'new-password', required: true, minlength: '8', maxlength: '256' };
const EMAIL = { name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username', required: true, maxlength: '254' };
const anonymous = { anonymous: true };

const paragraph = (text) => h('p', null, text);
const toSignIn = (text = 'To the sign-in page') => h('a.button.primary', { href: '#/' }, text);

function
said(name, title, ...words)
{
	return [h('h1', { tabindex: '-1' }, title), h('div.door-said', { role: 'status' }, icon(name), words)];
}

/* token: what the link carries; show(...nodes) replaces the card's content; done(user): signed in now; out(note): to the sign-in page. */
const DOORS = {
	join: ({ invite }, { show, done }) => {
		const { node } = Form({
			fields: [{ name: 'displayName', label: 'Name', autocomplete: 'name', required: true, maxlength: '100' }, EMAIL,
				{ ...NEW_PASSWORD, label: 'Password', hint: 'At least 8 characters; a few unrelated words are best.' }],
			before: invite ? paragraph('You are invited. Choose how you are called here, and a password.') : null,
			extra: refreshToken() ? h('p.form-note', null, 'This browser is signed in already. It will go on as the new person.') : null,
			yes: 'Join',
			run: (values) => join({ ...values, ...(invite ? { invite } : {}) }),
			done: (user, { email }) => (user ? done(user) : show(said('bell', 'Look into your mail', paragraph(`A mail to ${email} is on its way. Open the link in it to finish.`)), toSignIn())),
		});

		return ['Join MediaNest', node, h('p.door-links', null, h('a', { href: '#/' }, 'I have an account'))];
	},
	confirm: ({ token }, { show }) => ['Confirm your address', Form({
		fields: [], before: paragraph('One step more: say that this address is yours.'), yes: 'Confirm',
		run: () => api.post('/auth/confirm', { token: token ?? '-' }, anonymous),
		done: () => show(said('check', 'Confirmed', paragraph('Your address is confirmed.')), toSignIn('Go on')),
	}).node],
	forgot: (params, { show }) => ['Forgot your password?', Form({
		fields: [EMAIL], before: paragraph('We send you a link with which you can choose a new one.'), yes: 'Send the link',
		run: (values) => api.post('/auth/password/forgot', values, anonymous),
		done: (answer, { email }) => show(said('bell', 'Look into your mail', paragraph(`If ${email} has an account here, a mail is on its way. Its link works for 30 minutes.`)), toSignIn()),
	}).node, h('p.door-links', null, h('a', { href: '#/' }, 'Back to the sign-in page'))],
	reset: ({ token }, { out }) => ['A new password', Form({
		fields: [{ ...NEW_PASSWORD, label: 'New password', hint: 'At least 8 characters. It ends every session, on all your devices.' }], yes: 'Save it',
		run: (values) => api.post('/auth/password/reset', { token: token ?? '-', ...values }, anonymous),
		done: () => out('Your new password is set. Please sign in with it.'),
	}).node],
};

export const isDoor = (name) => Object.hasOwn(DOORS, name);

export function
mount(root, { name, params }, { done, out })
{
	const card = h('div.card');
	const show = (...nodes) => {
		fill(card, h('img.logo', { src: 'icon.svg', alt: '', width: '56', height: '56' }), nodes);
		card.querySelector('h1').focus();
	};
	const [title, ...content] = DOORS[name](params, { show, done, out });

	show(h('h1', { tabindex: '-1' }, title), content);
	fill(root, h('main.door', null, card));
	card.querySelector('input')?.focus();
	document.title = `${title} · MediaNest`;
}
