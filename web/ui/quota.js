/* A form for the quota of a person: a size, or the default of the house. */
import { api } from '../lib/api.js';
import { h } from '../lib/dom.js';
import { bytes } from '../lib/format.js';
import { options } from './form.js';
import { fail, toast } from './toast.js';

const UNITS = [['1000000', 'MB'], ['1000000000', 'GB'], ['1000000000000', 'TB']];
let serial = 0;

/*
 * quota: bytes, or null for the default; quotaDefault: bytes, 0 for no limit, null if unknown.
 * done(quota, user) after it was saved.
 */
export function
quotaForm({ userId, quota, quotaDefault, done })
{
	const id = `quota-${++serial}`;
	const unit = [...UNITS].reverse().find(([size]) => quota && quota % size === 0) ??
	    (quota ? UNITS[0] : UNITS[1]);
	const mode = h('select', { id: `${id}-mode`, onchange: () => follow() }, options([
	    ['default', quotaDefault === null ? 'The default of the house' :
		quotaDefault ? `The default: ${bytes(quotaDefault)}` : 'The default: no limit'],
	    ['own', 'A quota of their own']],
	quota === null ? 'default' : 'own'));
	const amount = h('input', { id: `${id}-amount`, type: 'number', min: '0', step: 'any',
	    inputmode: 'decimal', value: quota === null ? '' : quota / unit[0] });
	const units = h('select', { id: `${id}-unit`, 'aria-label': 'Unit' },
	    options(UNITS, unit[0]));
	const own = [h('label', { for: `${id}-amount` }, 'Size', amount),
	    h('label', { for: `${id}-unit` }, 'Unit', units)];
	const button = h('button.primary', { type: 'submit' }, 'Save');
	const follow = () => {
		own.forEach((node) => node.hidden = mode.value === 'default');
		amount.required = mode.value === 'own';
	};

	follow();
	return h('form.quota-form', { onsubmit: async (event) => {
		event.preventDefault();
		const next = mode.value === 'default' ? null :
		    Math.round(Number(amount.value) * Number(units.value));

		button.disabled = true;
		try {
			const user = await api.patch(`/users/${userId}`, { quota: next });

			toast('Quota saved');
			done(next, user);
		} catch (problem) {
			fail(problem);
		}
		button.disabled = false;
	} }, h('label', { for: `${id}-mode` }, 'Quota', mode), own, button);
}
