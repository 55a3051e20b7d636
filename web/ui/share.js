/* Whom something is shared with: a dialog that finds people by name. */
import { Problem } from '../lib/api.js';
import { debounce, fill, h, icon, iconButton } from '../lib/dom.js';
import { everybody, people as find, setShares } from '../lib/collections.js';
import { fetchItem } from '../lib/media.js';
import { can } from '../lib/session.js';
import { ask } from './dialog.js';
import { options } from './form.js';
import { fail } from './toast.js';

const TYPING_MS = 200;
const MAY = [['view', 'Can view'], ['add', 'Can add']];

/*
 * people: [{userId, displayName, may}]; roles: whether they may add; publicly(dialogs): opens the
 * dialog of public links instead. Resolves with the new list, or with null when it is closed.
 */
export function
shareDialog({ title, text, people, roles, publicly })
{
	const chosen = people.map((one) => ({ ...one }));
	const list = h('ul.rows.people');
	const matches = h('ul.matches', { 'aria-label': 'Matches' });
	const said = h('p.muted', { role: 'status' });
	let turn = 0;
	const draw = () => fill(list, chosen.map((one) => h('li.line', null, icon('person'),
	    h('span.grow', null, one.displayName),
	    roles ? h('select', { 'aria-label': `What ${one.displayName} can do`,
		onchange: ({ target }) => {
			one.may = target.value;
		} }, options(MAY, one.may)) : null,
	    iconButton('close', `Remove ${one.displayName}`, () => {
		    chosen.splice(chosen.indexOf(one), 1);
		    draw();
		    field.focus();
	    }))), chosen.length ? null : h('li.muted', null, 'Not shared with anyone.'));
	const pick = (one) => {
		chosen.push({ userId: one.id, displayName: one.displayName, may: 'view' });
		field.value = '';
		fill(matches);
		said.textContent = `${one.displayName} added`;
		draw();
		field.focus();
	};
	const search = async () => {
		const mine = ++turn;
		const q = field.value.trim();

		if (!q) {
			fill(matches);
			said.textContent = '';
			return;
		}
		try {
			const found = (await find(q)).filter((one) =>
			    !chosen.some(({ userId }) => userId === one.id));
			if (mine !== turn)
				return;
			fill(matches, found.map((one) => h('li', null, h('button.match',
			    { type: 'button', onclick: () => pick(one) }, icon('person'),
			    one.displayName))));
			said.textContent = found.length ? '' : 'No matches';
		} catch (problem) {
			said.textContent = problem.message;
		}
	};
	const later = debounce(search, TYPING_MS);
	const field = h('input', { type: 'search', 'aria-label': 'Add people by name',
	    placeholder: 'Add people by name', autocomplete: 'off', maxlength: '100',
	    oninput: later, onkeydown: (event) => {
		    if (event.key !== 'Enter')
			    return;
		    event.preventDefault(); /* it would save */
		    matches.querySelector('button')?.click();
	    } });

	draw();
	const elsewhere = publicly && can('media.upload') ? h('button', { type: 'button',
	    onclick: ({ target }) => {
		    target.closest('dialog').close();
		    import('./public-link.js').then(publicly, () => fail(new Problem(0)));
	    } }, icon('link'), 'Public link') : null;

	return ask({ title, text, body: h('div.share', null, field, said, matches, list, elsewhere),
	    yes: 'Save', value: () => chosen });
}

/* Shares one item, or many, with people; what is shared so far is known of one only. */
export async function
shareItems(items)
{
	let people = [];

	try {
		if (items.length === 1) {
			const ids = (await fetchItem(items[0].id)).sharedWith ?? [];
			if (ids.length)
				people = (await everybody())
				    .filter(({ id }) => ids.includes(id))
				    .map(({ id, displayName }) => ({ userId: id, displayName }));
		}
	} catch (problem) {
		fail(problem);
		return null;
	}
	const chosen = await shareDialog({ people,
	    publicly: (dialogs) => dialogs.linkToItems(items),
	    title: items.length === 1 ? `Share “${items[0].title}”` :
		`Share ${items.length} items`,
	    text: 'Only the people you add can see it. They can’t change or delete it.' });

	return chosen?.map(({ userId }) => userId) ?? null;
}

export async function
shareItem(item)
{
	const users = await shareItems([item]);

	if (!users)
		return;
	try {
		await setShares(item, users);
	} catch (problem) {
		fail(problem, 'Not saved.');
	}
}
