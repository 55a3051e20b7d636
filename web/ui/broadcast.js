/* A message of an admin to everyone, or to some roles. */
import { api } from '../lib/api.js';
import { h } from '../lib/dom.js';
import { ROLES } from '../lib/rights.js';
import { Form } from './form.js';
import { toast } from './toast.js';

export function
broadcast()
{
	const roles = Object.entries(ROLES).map(([value]) => h('input',
	    { type: 'checkbox', value }));
	const { node, inputs } = Form({
		fields: [
			{ name: 'title', label: 'Title', required: true, maxlength: '200' },
			{ name: 'message', label: 'Message', type: 'textarea', rows: '4',
			    required: true, maxlength: '2000' },
		],
		extra: h('fieldset.checks', null, h('legend', null, 'To these roles only'),
		    h('small', null, 'Everyone gets it when none is chosen.'),
		    roles.map((box) => h('label.check', null, box, ROLES[box.value]))),
		yes: 'Send',
		cancel: h('button', { type: 'button', onclick: () => box.close() }, 'Cancel'),
		run: (values) => {
			const to = roles.filter((one) => one.checked).map((one) => one.value);

			return api.post('/notifications/broadcast', { ...values,
			    ...(to.length ? { roles: to } : {}) },
			{ headers: { 'Idempotency-Key': key } });
		},
		done: () => {
			box.close();
			toast('Message sent');
		},
	});
	const key = crypto.randomUUID();
	const box = h('dialog', { 'aria-labelledby': 'broadcast-title',
	    onclose: () => box.remove() },
	h('div.dialog-form', null, h('h2', { id: 'broadcast-title' }, 'Send a message'), node));

	document.body.append(box);
	box.showModal();
	inputs.title.focus();
}
