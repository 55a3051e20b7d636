/* What is stored: by kind, by month, by person, and how much each person may use. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { bytes, count, many, monthOf } from '../lib/format.js';
import { mediaKind } from '../lib/kinds.js';
import { link } from '../lib/router.js';
import { adminNav } from '../ui/admin.js';
import { notice } from '../ui/form.js';
import { meter, quotaWords } from '../ui/meter.js';
import { bars, columns } from '../ui/plot.js';
import { quotaForm } from '../ui/quota.js';

const STATES = { pending: 'Arriving', processing: 'Being processed', ready: 'Ready',
    failed: 'Could not be read', trashed: 'In the trash' };

/* '2026-11' -> its first day, in the person's own time */
const dateOf = (month) => new Date(...month.split('-').map((n, i) => Number(n) - i));

function
personRow(person, quotaDefault)
{
	const item = h('li', { 'data-storage': person.userId });
	const draw = () => {
		const quota = person.quota ?? (quotaDefault || null);
		const words = quotaWords(person.bytes, quota);

		fill(item, h('details', null, h('summary', null,
		    h('span.grow', null, h('strong', null, person.displayName),
			h('small', null, `${many(person.items, 'item')}${
			    person.quota === null ? '' : ' · own quota'}`)),
		    h('span', null, words),
		    h('span.person-meter', null, quota === null ? null :
			meter(person.bytes, quota, `${person.displayName}: ${words}`))),
		h('div.inside', null, quotaForm({ userId: person.userId, quota: person.quota,
		    quotaDefault, done: (next) => {
			    person.quota = next;
			    draw();
		    } }))));
	};

	draw();
	return item;
}

function
growthPanel(growth)
{
	const first = growth[0];
	const last = growth.at(-1);

	return h('section.panel', { 'aria-label': 'Growth' }, h('h2', null, 'Growth by month'),
	    growth.length ? [columns(growth.map((m) => ({ name: monthOf(dateOf(m.month)),
		value: m.bytes || m.items, text: `${bytes(m.bytes)}, ${many(m.items, 'item')}` })),
	    'Added by month, oldest first'),
	    h('div.axis', { 'aria-hidden': 'true' }, h('span', null, monthOf(dateOf(first.month))),
		growth.length > 1 ? h('span', null, monthOf(dateOf(last.month))) : null),
	    h('p', null, `${monthOf(dateOf(last.month))}: ${bytes(last.bytes)}, ${
		many(last.items, 'item')}.`)] : h('p.muted', null, 'Nothing was added yet.'));
}

function
draw(place, stats)
{
	const { media, storage, growth } = stats;
	const tile = (name, value, hint) => h('div', null, h('dt', null, name),
	    h('dd', null, value, hint ? h('small', null, hint) : null));

	fill(place, h('dl.tiles', null, tile('Used', bytes(storage.usedBytes)),
	    storage.freeBytes === undefined ? null : tile('Free on disk', bytes(storage.freeBytes)),
	    tile('Items', count(media.items)),
	    tile('Default quota', storage.quotaDefault ? bytes(storage.quotaDefault) : 'No limit')),
	h('div.cards', null, growthPanel(growth),
	    h('section.panel', { 'aria-label': 'By kind' }, h('h2', null, 'By kind'),
		media.byKind.length ? bars(media.byKind.map((one) => ({
		    name: mediaKind(one.kind).word, value: one.bytes,
		    text: one.bytes ? bytes(one.bytes) : '–', hint: many(one.items, 'item') })),
		'Storage by kind') : h('p.muted', null, 'Nothing is stored yet.'),
		h('dl.counts', null, media.byState.map((one) => h('div', null,
		    h('dt', null, STATES[one.state] ?? one.state),
		    h('dd', null, count(one.items))))))),
	h('div.panels', null, h('section', { 'aria-label': 'People' },
	    h('div.panel-head', null, h('h2', null, 'By person'),
		h('a', { href: link('users') }, 'People')),
	    h('ul.board', null, storage.byPerson.map((one) =>
		personRow(one, storage.quotaDefault))))));
}

export function
mount(root)
{
	const place = h('div', null, h('div.skeleton.line'));
	const load = async () => {
		try {
			draw(place, await api.get('/admin/stats', null, { patient: true }));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	fill(root, adminNav('storage'), h('h1', null, 'Storage'), place);
	load();
	return {
		update() {},
		unmount() {},
	};
}
