/* Deleted items that can still be restored. */
import { fill, h, icon } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { list, purge, restore } from '../lib/media.js';
import { can, me } from '../lib/session.js';
import { overMany } from '../ui/actions.js';
import { ask } from '../ui/dialog.js';
import { Grid } from '../ui/grid.js';
import { Selection } from '../ui/selection.js';
import { toast } from '../ui/toast.js';

export function
mount(root)
{
	const mayPurge = (item) => can('media.manage_all') ||
	    (can('media.delete') && item.ownerId === me.user.id);
	const back = async (items) => {
		selection.clear();
		const done = await overMany(items, async (item, options) => {
			await restore(item, options);
			grid.remove(item.id);
		}, 'Restoring');
		if (done)
			toast(`${many(done, 'item')} restored`);
	};
	const forGood = async (items) => {
		const mine = items.filter(mayPurge);
		if (!mine.length) {
			toast('You can’t delete these permanently. Only their owners can.');
			return;
		}
		if (!(await ask({ title: `Permanently delete ${many(mine.length, 'item')}?`,
		    text: 'The files are deleted immediately. You can’t undo this.', yes: 'Delete',
		    danger: true })))
			return;
		selection.clear();
		const done = await overMany(mine, purge, 'Deleting');
		if (done)
			toast(`${many(done, 'item')} deleted`);
	};
	const selection = new Selection([
		{ icon: 'restore', label: 'Restore', run: back },
		...(can('media.delete') || can('media.manage_all') ?
		    [{ icon: 'trash', label: 'Delete permanently', run: forGood }] : []),
	]);
	const grid = new Grid({
		label: 'Trash',
		pager: () => {
			let cursor = null;
			return async () => {
				const page = await list({ status: 'trashed', cursor });
				cursor = page.next;
				return { items: page.items, more: cursor !== null };
			};
		},
		accept: (item) => item.status === 'trashed',
		selection,
		empty: () => h('div.empty', null, icon('trash'),
		    h('h2', null, 'The trash is empty'), h('p', null,
		    'Deleted items stay here for a while, in case you change your mind.')),
	});

	fill(root, h('h1', null, 'Trash'),
	    h('p.muted', null,
		'Select items to restore them. Items that stay here long enough are deleted ' +
		    'permanently.'),
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
