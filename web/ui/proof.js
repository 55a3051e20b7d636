/*
 * Before a sensitive change: asks for the current password, and for a code while two-step
 * verification is on, in a dialog that stays until they are right or it is closed.
 */
import { h } from '../lib/dom.js';
import { me } from '../lib/session.js';
import { Form } from './form.js';

const FIELDS = [
	{ name: 'currentPassword', label: 'Current password', type: 'password',
	    autocomplete: 'current-password', required: true, maxlength: '256' },
	{ name: 'totp', label: 'Code from your app, or a recovery code',
	    autocomplete: 'one-time-code', maxlength: '32' },
];

/*
 * run(proof) makes the change: proof are members of its body, to be sent with `proves`. Resolves
 * with {answer: what run returned}, with null when the dialog is closed.
 */
export function
prove({ title, text, yes, danger, run })
{
	return new Promise((done) => {
		let proven = null;
		const cancel = h('button', { type: 'button', onclick: () => box.close() },
		    'Cancel');
		const { node, inputs } = Form({
			fields: FIELDS, yes, danger, cancel,
			before: text ? h('p', null, text) : null,
			run: async ({ currentPassword, totp }) => {
				try {
					return await run({ currentPassword,
					    ...(totp ? { totp } : {}) });
				} catch (problem) {
					if (problem.code === 'totp_required')
						ask(true);
					throw problem;
				}
			},
			done: (answer) => {
				proven = { answer };
				box.close();
			},
		});
		const box = h('dialog', { 'aria-labelledby': 'proof-title', onclose: () => {
			box.remove();
			done(proven);
		}, onclick: (event) => event.target === box && box.close() },
		h('div.dialog-form', null, h('h2', { id: 'proof-title' }, title), node));
		/* The code may have been turned on elsewhere: then the server says so. */
		const ask = (on) => {
			inputs.totp.closest('.field').hidden = !on;
			inputs.totp.required = on;
		};

		ask(me.user.totpEnabled);
		document.body.append(box);
		box.showModal();
		inputs.currentPassword.focus();
	});
}
