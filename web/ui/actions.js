/* What several views do with one item or many: trash with undo, tags. */
import { h } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { each, purge, restore, setTags, tagNames, trash } from '../lib/media.js';
import { ask } from './dialog.js';
import { fail, toast } from './toast.js';

const SAY_PROGRESS_FROM = 12;

/* Runs work over many items with one message that counts along; failures are reported once. */
export async function
overMany(items, work, doing)
{
	const told = items.length >= SAY_PROGRESS_FROM ?
	    toast(`${doing} ${many(items.length, 'item')}…`, { sticky: true }) : null;
	const { done, problems } = await each(items, work,
	    (n) => told?.text(`${doing} ${n} of ${many(items.length, 'item')}…`));

	told?.close();
	if (problems.length)
		fail(problems[0],
		    items.length > 1 ? `${many(problems.length, 'item')} failed.` : undefined);
	return done;
}

export async function
trashWithUndo(items)
{
	const gone = [];
	const done = await overMany(items, async (item, options) => {
		await trash(item, options);
		gone.push(item);
	}, 'Moving');

	if (done)
		toast(done === 1 ? `“${gone[0].title}” moved to trash` :
		    `${many(done, 'item')} moved to trash`, {
			action: 'Undo', onaction: () => overMany(gone, restore, 'Restoring'),
		});
}

/* Resolves with how many were restored. */
export async function
restoreMany(items)
{
	const done = await overMany(items, restore, 'Restoring');

	if (done)
		toast(done === 1 ? `“${items[0].title}” restored` :
		    `${many(done, 'item')} restored`);
	return done;
}

/* Asks first. Resolves with how many are gone for good. */
export async function
purgeMany(items)
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
	const done = await overMany(items,
	    (item, options) => setTags(item, [...new Set([...item.tags, ...words])], options),
	    'Tagging');
	if (done)
		toast(`${many(done, 'item')} tagged`);
}
