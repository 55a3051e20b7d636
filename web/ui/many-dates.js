/* Dates of many items at once: shifted, for a camera whose clock was wrong, or set. */
import { api } from '../lib/api.js';
import { announce, h } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { ask } from './dialog.js';
import { fail, toast } from './toast.js';

const AT_ONCE = 100; /* as the API takes them */
const UNITS = [['Days', 86400], ['Hours', 3600], ['Minutes', 60]];

function
fields()
{
	const way = h('select', { id: 'm-way' },
	    h('option', { value: 'later' }, 'Shift to a later time'),
	    h('option', { value: 'earlier' }, 'Shift to an earlier time'),
	    h('option', { value: 'set' }, 'Set the same date and time'));
	const numbers = UNITS.map(([name]) => h('input', { type: 'number', min: '0', max: '36500',
	    step: '1', value: '0', required: true, inputmode: 'numeric', id: `m-${name}` }));
	const date = h('input', { type: 'datetime-local', id: 'm-date', step: '1' });
	const shifting = h('div.date-shift', null, numbers.map((input, i) => h('div', null,
	    h('label', { for: input.id }, UNITS[i][0]), input)));
	const setting = h('div', { hidden: true }, h('label', { for: 'm-date' }, 'Date and time'),
	    date, h('small.muted', null, 'Each item keeps its time zone.'));
	const seconds = () => UNITS.reduce((sum, [, unit], i) =>
	    sum + unit * numbers[i].valueAsNumber, 0);

	way.addEventListener('change', () => {
		const set = way.value === 'set';

		shifting.hidden = set;
		setting.hidden = !set;
		date.required = set;
		numbers.forEach((input) => {
			input.required = !set;
		});
	});
	return { body: h('div.many-dates', null, h('label', { for: 'm-way' }, 'What to do'), way,
	    shifting, setting),
	value: () => (way.value === 'set' ? { takenAtLocal: date.value.length === 16 ?
	    `${date.value}:00` : date.value.slice(0, 19) } :
	    { takenShiftSeconds: (way.value === 'later' ? 1 : -1) * seconds() }) };
}

/* The changed items arrive as live events. */
export async function
datesMany(items)
{
	const { body, value } = fields();
	const set = await ask({ title: `Change the date of ${many(items.length, 'item')}`, body,
	    value, yes: 'Change' });
	let changed = 0;
	let refused = 0;

	if (!set || Math.abs(set.takenShiftSeconds) === 0)
		return;
	announce('Changing dates');
	try {
		for (let i = 0; i < items.length; i += AT_ONCE) {
			const ids = items.slice(i, i + AT_ONCE).map((item) => item.id);
			const answer = await api.post('/media/bulk', { ids, set },
			    { headers: { 'Idempotency-Key': crypto.randomUUID() }, again: true });
			const done = answer.items.filter((one) => one.status === 200).length;
			changed += done;
			refused += ids.length - done;
		}
	} catch (problem) {
		fail(problem, 'Not all dates were changed.');
		return;
	}
	toast(refused ? `${many(changed, 'date')} changed, ${refused} could not be.` :
	    `${many(changed, 'date')} changed`);
}
