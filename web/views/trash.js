/* Deleted items that can still be restored. */
import { fill, h, icon } from '../lib/dom.js';
import { count, many } from '../lib/format.js';
import { api } from '../lib/api.js';
import { pager } from '../lib/media.js';
import { can, mayPurge, mayTrash, me } from '../lib/session.js';
import { purgeMany, restoreMany } from '../ui/actions.js';
import { ask } from '../ui/dialog.js';
import { Grid } from '../ui/grid.js';
import { Selection } from '../ui/selection.js';
import { fail, toast } from '../ui/toast.js';

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
			const { deleted, left } = await api.post('/media/trash/empty');
			await grid.reload();
			toast(`${many(deleted, 'item')} deleted` +
			    (left ? `, ${count(left)} more follow` : ''));
		} catch (problem) {
			fail(problem);
		}
		emptyButton.disabled = false;
		/* it had the focus, and may be gone */
		(emptyButton.hidden ? document.getElementById('main') : emptyButton).focus();
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
