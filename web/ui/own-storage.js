/* What the person's own files use, and may use. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { notice } from './form.js';
import { meter, quotaWords } from './meter.js';

export function
storagePanel()
{
	const place = h('div.panel-part', null, h('div.skeleton.line'));
	const load = async () => {
		try {
			const { storage } = await api.get('/users/me', null, { patient: true });
			const { usedBytes: used, quotaBytes: quota } = storage;
			const words = quotaWords(used, quota);

			fill(place, h('p.figure', null, words), quota === null ?
			    h('p', null, 'There is no limit.') : [meter(used, quota, words),
				used > quota ? h('p', null, 'You are past your quota: uploads ' +
				    'are refused until you delete something.') : null]);
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	load();
	return h('section.panel', { 'aria-label': 'Storage' }, h('h2', null, 'Storage'), place);
}
