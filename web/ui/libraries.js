/* The libraries of a server: which are shown, and to whom. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, many } from '../lib/format.js';
import { can } from '../lib/session.js';
import { ask } from './dialog.js';
import { notice, options } from './form.js';
import { SERVERS } from './server-form.js';
import { fail, toast } from './toast.js';

const GLYPHS = { movie: 'film', show: 'film', artist: 'music', photo: 'photos' };
const WHO = [['house', 'Everyone here'], ['shared', 'Only some people']];
const PEOPLE = 100;

/* Resolves with the ids of the people chosen, with null when the dialog is closed. */
async function
choosePeople(title, chosen)
{
	let items;

	try {
		({ items } = await api.get('/users', { status: 'active', limit: PEOPLE },
		    { patient: true }));
	} catch (problem) {
		fail(problem);
		return null;
	}
	const boxes = items.map((one) => h('input', { type: 'checkbox', value: one.id,
	    checked: chosen.includes(one.id) }));

	return ask({ title: `Who can see “${title}”?`, yes: 'Save',
	    body: h('fieldset.checks', null, h('legend.unseen', null, 'People'),
		items.map((one, i) => h('label.check', null, boxes[i], one.displayName))),
	    value: () => boxes.filter((box) => box.checked).map((box) => box.value) });
}

function
row(server, first)
{
	const path = `${SERVERS}/${server.id}/libraries/${encodeURIComponent(first.key)}`;
	const node = h('li.line.library', { 'data-library': first.key });
	const configure = can('integrations.configure');
	/* choosing people takes a look at the list of accounts */
	const mayName = configure && can('users.manage');
	const draw = (library) => {
		const save = async (change, text) => {
			try {
				draw({ ...library, ...(await api.put(path, change)) });
				toast(text);
			} catch (problem) {
				fail(problem, 'Not saved.');
				draw(library);
			}
		};
		const people = async () => {
			const users = await choosePeople(library.title, library.users ?? []);

			if (users)
				await save({ visibility: 'shared', users }, 'Saved');
			else
				draw(library);
		};
		const included = h('input', { type: 'checkbox', checked: library.enabled,
		    disabled: !configure, onchange: async () => {
			if (!library.enabled || await ask({
				title: `Leave out “${library.title}”?`,
				text: `${many(library.items ?? 0, 'item')} of it move to trash. ` +
				    'They come back when you include it again.',
				yes: 'Leave out', danger: true }))
				save({ enabled: !library.enabled }, library.enabled ?
				    `“${library.title}” is left out` :
				    `“${library.title}” is included. A sync adds its items.`);
			else
				draw(library);
		} });
		const seen = library.visibility === 'shared' ?
		    `Seen by ${many((library.users ?? []).length, 'person', 'people')}` :
		    'Seen by everyone here';
		const who = h('select', { 'aria-label': `Who can see ${library.title}`,
		    onchange: () => (who.value === 'shared' ? people() :
			save({ visibility: 'house' }, 'Everyone here can see it')) },
		options(WHO, library.visibility));

		fill(node, icon(GLYPHS[library.type] ?? 'file'), h('div.grow', null,
		    h('strong', null, library.title), h('small', null, [
			many(library.items ?? 0, 'item'), mayName ? null : seen,
			library.lastSyncedAt ? `synced ${ago(library.lastSyncedAt)}` :
			    library.items ? null : 'not synced yet'].filter(Boolean).join(' · '))),
		mayName && library.enabled ? h('div.who', null, who,
		    library.visibility === 'shared' ? h('button', { type: 'button',
			onclick: people },
		    many((library.users ?? []).length, 'person', 'people'),
		    h('span.unseen', null, `can see ${library.title}: change`)) : null) : null,
		h('label.check', null, included, 'Include',
		    h('span.unseen', null, library.title)));
	};

	draw(first);
	return node;
}

export function
librariesPanel(server)
{
	const list = h('ul.rows');
	const load = async () => {
		if (!list.querySelector('.library'))
			fill(list, h('li', null, h('div.skeleton.line')));
		try {
			const { items } = await api.get(`${SERVERS}/${server.id}/libraries`, null,
			    { patient: true });
			fill(list, items.map((library) => row(server, library)),
			    items.length ? null : h('li.muted', null,
				'This server has no libraries that can be synced.'));
		} catch (problem) {
			fill(list, h('li', null, notice(problem, load)));
		}
	};

	load();
	return { load, node: h('section.panel', { 'aria-label': 'Libraries' },
	    h('h2', null, 'Libraries'), list) };
}
