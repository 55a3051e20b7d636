/* Deleted items that can still be restored. */
import { fill, h, icon } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { list, pager, purge } from '../lib/media.js';
import { can, mayPurge, mayTrash, me } from '../lib/session.js';
import { overMany, purgeMany, restoreMany } from '../ui/actions.js';
import { ask } from '../ui/dialog.js';
import { Grid } from '../ui/grid.js';
import { Selection } from '../ui/selection.js';
import { fail, toast } from '../ui/toast.js';

const BATCH = 100;

/* Page by page, all that the person owns there. Resolves with how many are gone. */
async function
purgeOwn()
{
	let cursor = null;
	let done = 0;

	do {
		const page = await list({ status: 'trashed', limit: BATCH, cursor });
		const own = page.items.filter((item) => item.ownerId === me.user.id);

		done += await overMany(own, purge, 'Deleting');
		cursor = page.next;
	} while (cursor);
	return done;
}

export function
mount(root)
{
	const mayPurgeOwn = can('media.delete') || can('media.manage_all');
	const selection = new Selection([
		{ icon: 'restore', label: 'Restore', may: mayTrash, run: (items) => {
			selection.clear();
			restoreMany(items);
		} },
		{ icon: 'trash', label: 'Delete permanently', may: mayPurge, key: 'Delete',
		    run: async (items) => {
			if (await purgeMany(items))
				selection.clear();
		} },
	]);
	const emptyButton = h('button', { type: 'button', hidden: true, onclick: async () => {
		if (!(await ask({ title: 'Empty the trash?', text: 'All your items in the trash ' +
		    'are deleted immediately. You can’t undo this.', yes: 'Empty trash',
		    danger: true })))
			return;
		emptyButton.disabled = true;
		selection.clear();
		try {
			toast(`${many(await purgeOwn(), 'item')} deleted`);
		} catch (problem) {
			fail(problem);
		}
		emptyButton.disabled = false;
	} }, icon('trash'), 'Empty trash');
	const grid = new Grid({
		label: 'Trash',
		pager: pager(() => ({ status: 'trashed' })),
		accept: (item) => item.status === 'trashed',
		selection,
		empty: () => h('div.empty', null, icon('trash'),
		    h('h2', null, 'The trash is empty'), h('p', null,
		    'Deleted items stay here for a while, in case you change your mind.')),
		onlayout: ({ items }) => {
			emptyButton.hidden = !mayPurgeOwn ||
			    !items.some((item) => item.ownerId === me.user.id);
		},
	});

	fill(root, h('div.toolbar', null, h('h1', null, 'Trash'), emptyButton),
	    h('p.muted', null, 'Open or select items to restore them. Each shows how long it ' +
		'stays until it is deleted permanently.'),
	    h('div.grid-place', null, grid.node));
	return {
		sequence: () => grid,
		query: () => ({ status: 'trashed' }),
		update() {},
		unmount() {
			grid.destroy();
			selection.detach();
		},
	};
}
