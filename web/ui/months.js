/* What the person did in each month: uploads, their size, plays. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { bytes, count, monthOf } from '../lib/format.js';
import { notice } from './form.js';

const SHOWN = 12;

/* '2026-11' -> the first day of that month, in the person's own time */
const dateOf = (month) => new Date(...month.split('-').map((n, i) => Number(n) - i));

const table = (months) => h('table.matrix', null, h('thead', null, h('tr', null,
    ['Month', 'Uploads', 'Size', 'Plays'].map((text) => h('th', { scope: 'col' }, text)))),
h('tbody', null, months.map(({ month, uploads, bytes: size, plays }) => h('tr', null,
    h('th', { scope: 'row' }, monthOf(dateOf(month))), h('td', null, count(uploads)),
    h('td', null, bytes(size)), h('td', null, count(plays))))));

export function
monthsPanel()
{
	const place = h('div.panel-part', null, h('div.skeleton.line'));
	const load = async () => {
		try {
			const { items } = await api.get('/users/me/statistics', null,
			    { patient: true });

			fill(place, items.length ? table(items.slice(0, SHOWN)) :
			    h('p.muted', null, 'Nothing yet. Uploads and plays are counted here.'));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	load();
	return h('section.panel', { 'aria-label': 'Your months' }, h('h2', null, 'Your months'),
	    place);
}
