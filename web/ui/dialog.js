/* Small questions in a modal <dialog>; the browser keeps the focus inside and gives it back. */
import { h, icon } from '../lib/dom.js';

let serial = 0; /* one may open another */

/* Shows a form. Resolves with value() when it is submitted, with null when it is closed. */
export function
ask({ title, text, body, value = () => true, yes = 'OK', no = 'Cancel', danger = false,
    wide = false })
{
	return new Promise((done) => {
		const id = `dialog-${++serial}`;
		let answer = null;
		const form = h('form.dialog-form', { method: 'dialog', onsubmit: (event) => {
			event.preventDefault();
			answer = value();
			box.close();
		} },
		h('h2', { id }, title), text ? h('p', null, text) : null,
		body ?? null,
		h('div.dialog-buttons', null,
		    no ? h('button', { type: 'button', onclick: () => box.close() }, no) : null,
		    h(danger ? 'button.primary.danger' : 'button.primary', { type: 'submit' },
			yes)));
		const box = h(wide ? 'dialog.wide' : 'dialog', {
			'aria-labelledby': id,
			onclose: () => {
				box.remove();
				done(answer);
			}, onclick: (event) => event.target === box && box.close(),
		}, form);

		document.body.append(box);
		box.showModal();
		/* what only tells something can be closed at once */
		form.querySelector(no ? 'input, textarea' : '[type=submit]')?.focus();
	});
}
