/* What several views do with one item or many: trash with undo, tags. */
import { emit } from '../lib/bus.js';
import { h } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { each, forget, known, purge, remember, restore, tagNames, trash } from '../lib/media.js';
import { mayEdit } from '../lib/session.js';
import { together } from '../lib/together.js';
import { ask } from './dialog.js';
import { fail, toast } from './toast.js';

const SAY_PROGRESS_FROM = 12;

/* What is done with many items has one message that counts along; failures are reported once. */
async function
counted(items, doing, work)
{
	const told = items.length >= SAY_PROGRESS_FROM ?
	    toast(`${doing} ${many(items.length, 'item')}…`, { sticky: true }) : null;
	const { done, problems } = await work(
	    (n) => told?.text(`${doing} ${n} of ${many(items.length, 'item')}…`));

	told?.close();
	if (problems.length)
		fail(problems[0],
		    items.length > 1 ? `${many(problems.length, 'item')} failed.` : undefined);
	return done;
}

/* Runs work over many items, one by one. */
export const overMany = (items, work, doing) => counted(items, doing,
    (tell) => each(items, work, tell));

/*
 * Changes many items together; apply(item) shows it on each that was changed. Lists count again
 * what they have not loaded.
 */
export async function
changeMany(items, body, apply, doing)
{
	const far = items.some(({ id }) => !known(id));
	const done = await counted(items, doing, (tell) => together(items, body, apply, tell));

	if (far)
		emit('resync', {});
	return done;
}

/* Shows a change of what the page has of an item; of many that are selected it has only the id. */
export const shown = (change) => ({ id }) => {
	const item = known(id);

	if (item)
		remember({ ...item, ...change(item) });
};

const moving = new Set(); /* what is on its way into the trash or out of it: pressed twice, once */

async function
once(items, work)
{
	const still = items.filter(({ id }) => !moving.has(id));

	if (!still.length)
		return 0;
	still.forEach(({ id }) => moving.add(id));
	try {
		return await work(still);
	} finally {
		still.forEach(({ id }) => moving.delete(id));
	}
}

export const trashWithUndo = (items) => once(items, trashThem);

/* Resolves with how many were restored. */
export const restoreMany = (items) => once(items, restoreThem);

/* Asks first. Resolves with how many are gone for good. */
export const purgeMany = (items) => once(items, purgeThem);

/* One by one only what is not theirs: that is for people who may delete. */
async function
trashThem(items)
{
	const gone = [];
	const mine = items.filter(mayEdit);
	const others = items.filter((item) => !mayEdit(item));
	const left = (item) => {
		item.status = 'trashed';
		forget(item.id);
		gone.push(item);
	};
	const done = await changeMany(mine, { trash: true }, left, 'Moving') +
	    await overMany(others, async (item, options) => {
		    await trash(item, options);
		    gone.push(item);
	    }, 'Moving');

	if (done)
		toast(items.length === 1 ? `“${gone[0].title}” moved to trash` :
		    `${many(done, 'item')} moved to trash`, {
			action: 'Undo', onaction: () => overMany(gone, restore, 'Restoring'),
		});
}

async function
restoreThem(items)
{
	const done = await overMany(items, restore, 'Restoring');

	if (done)
		toast(done === 1 ? `“${items[0].title}” restored` :
		    `${many(done, 'item')} restored`);
	return done;
}

async function
purgeThem(items)
{
	const what = items.length === 1 ? `“${items[0].title}”` : many(items.length, 'item');

	if (!(await ask({ title: `Permanently delete ${what}?`,
	    text: 'The files are deleted immediately. You can’t undo this.', yes: 'Delete',
	    danger: true })))
		return 0;
	const done = await overMany(items, purge, 'Deleting');
	if (done)
		toast(`${many(done, 'item')} deleted`);
	return done;
}

/* A text field that suggests the tags already in use. */
export function
tagField(label, onadd)
{
	const names = h('datalist', { id: `tags-${Math.random().toString(36).slice(2)}` });
	const field = h('input', { type: 'text', list: names.id, maxlength: '50',
	    placeholder: label, 'aria-label': label, autocomplete: 'off', enterkeyhint: 'done',
		onfocus: async () => {
			if (names.children.length)
				return;
			try {
				names.append(...(await tagNames()).map((value) => h('option',
				    { value })));
			} catch {
				/* The field works without suggestions. */
			}
		},
		onkeydown: (event) => {
			if ((event.key === 'Enter' || event.key === ',') && onadd) {
				event.preventDefault();
				add();
			}
		},
		onblur: () => onadd && add(),
	});
	const add = () => {
		const words = field.value.split(',').map((w) => w.trim()).filter(Boolean);
		field.value = '';
		if (words.length)
			onadd(words);
	};

	return { field, names };
}

export async function
tagMany(items)
{
	const { field, names } = tagField('Tags, separated by commas');
	const words = await ask({
		title: `Tag ${many(items.length, 'item')}`, body: h('div', null, field, names),
		yes: 'Add tags',
		value: () => field.value.split(',').map((w) => w.trim()).filter(Boolean),
	});

	if (!words?.length)
		return;
	const done = await changeMany(items, { set: { addTags: words } }, shown(({ tags }) => ({
		tags: [...new Set([...tags, ...words])] })), 'Tagging');
	if (done)
		toast(`${many(done, 'item')} tagged`);
}
