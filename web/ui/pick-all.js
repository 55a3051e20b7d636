/*
 * Selects all of a list. Of a long one the page does not load the items for that: it asks for their
 * ids, with as much of each as it takes to know what may be done with it.
 */
import { api } from '../lib/api.js';
import { count } from '../lib/format.js';
import { fail, toast } from './toast.js';

const LOADED_MAX = 500; /* items that are loaded, so that all can be done with them */

/* query: of the list */
export async function
pickAll(grid, selection, { sort, ...filters })
{
	const all = new Map();
	let told = null;

	try {
		for (let cursor = null, more = true; more; more = cursor !== null) {
			const answer = await api.get('/media/ids', { ...filters, cursor },
			    { patient: true });

			if (grid.dead)
				return;
			answer.items.forEach((item) => all.set(item.id, item));
			cursor = answer.page.nextCursor;
			if (cursor)
				told ??= toast('Selecting…', { sticky: true });
			told?.text(`Selecting: ${count(all.size)}…`);
		}
		if (all.size <= LOADED_MAX)
			await grid.complete();
	} catch (problem) {
		fail(problem, 'Not selected.');
		return;
	} finally {
		told?.close();
	}
	if (!grid.dead)
		selection.all(all);
}
