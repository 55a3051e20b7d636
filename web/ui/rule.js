/* The fields of a rule: what an automatic album holds. */
import { h } from '../lib/dom.js';
import { tagField } from './actions.js';
import { options } from './form.js';

const KINDS = [['', 'Everything'], ['image', 'Photos'], ['video', 'Videos'], ['audio', 'Music']];

/* Returns {node, value()}; value() is the rule. */
export function
ruleFields(rule)
{
	const { field, names } = tagField('Tags, separated by commas');
	const kind = h('select', { 'aria-label': 'Kind' }, options(KINDS, rule.kinds?.[0] ?? ''));
	const day = (label, value) => h('input', { type: 'date', value: value ?? '',
	    'aria-label': label });
	const from = day('Taken from', rule.takenFrom);
	const to = day('Taken until', rule.takenTo);
	const favorite = h('input', { type: 'checkbox', checked: rule.favorite });

	const people = tagField('People, separated by commas');
	const words = (input) => input.value.split(',').map((w) => w.trim()).filter(Boolean);

	field.value = (rule.tags ?? []).join(', ');
	people.field.value = (rule.people ?? []).join(', ');
	return {
		node: h('div.share', null, field, names, people.field, people.names,
		    h('label', null, 'Kind', kind),
		    h('div.two', null, h('label', null, 'Taken from', from),
			h('label', null, 'Taken until', to)),
		    h('label.check', null, favorite, 'Only favourites')),
		value: () => ({
			tags: words(field),
			...(words(people.field).length ? { people: words(people.field) } : {}),
			...(kind.value ? { kinds: [kind.value] } : {}),
			...(from.value ? { takenFrom: from.value } : {}),
			...(to.value ? { takenTo: to.value } : {}),
			...(favorite.checked ? { favorite: true } : {}),
		}),
	};
}
