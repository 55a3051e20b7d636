/*
 * What can be done with many items at once: the buttons of the selection bar. Their code comes when
 * one is pressed.
 */
import { Problem } from '../lib/api.js';
import { can, mayEdit, mayTrash } from '../lib/session.js';
import { fail, toast } from './toast.js';

async function
run(name, ...args)
{
	const runs = await import('./bulk-runs.js').catch(() => null);

	return runs ? runs[name](...args) : fail(new Problem(0));
}

/* The actions of a view's selection; selection() is called when one runs. */
export function
bulkActions(selection)
{
	const clearing = (name) => (items) => {
		selection().clear();
		return run(name, items);
	};

	return [
		{ icon: 'heart', label: 'Favourite', run: clearing('favorite') },
		...(can('media.upload') ?
		    [{ icon: 'album', label: 'Add to album', run: async (items) => {
			    if (await run('addToAlbum', items))
				    selection().clear();
		    } }] : []),
		{ icon: 'archive', label: 'Archive', rare: true, run: clearing('archive') },
		...(can('media.upload') ?
		    [{ icon: 'lock', label: 'Who can see these', rare: true,
			run: clearing('visibility') },
		    { icon: 'link', label: 'Public link', rare: true, may: mayEdit,
			run: clearing('linkToItems') }] : []),
		{ icon: 'tag', label: 'Tag', rare: true, may: mayEdit,
		    run: (items) => run('tagMany', items) },
		{ icon: 'clock', label: 'Change date', rare: true, may: mayEdit,
		    run: (items) => run('datesMany', items) },
		{ icon: 'download', label: 'Download', run: (items) => run('downloadMany', items) },
		{ icon: 'trash', label: 'Move to trash', may: mayTrash, key: 'Delete',
		    run: (items) => {
			    if (items.length < selection().size)
				    toast('You can’t delete some of these.');
			    selection().clear();
			    return run('trashWithUndo', items);
		    } },
		{ icon: 'more', label: 'More actions',
		    run: (items) => run('more', items, selection()) },
	];
}
