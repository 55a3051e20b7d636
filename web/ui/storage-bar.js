/* How much of one's storage is used, in the account menu. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { meter, quotaWords } from './meter.js';

/* node: hidden until there is something to say. Who closes the menu does not wait for it. */
export async function
drawStorage(node, menu)
{
	const closed = new AbortController();
	const { signal } = closed;

	if (!menu.matches(':popover-open'))
		return;
	menu.addEventListener('beforetoggle', () => closed.abort(), { once: true });
	try {
		const { storage: { usedBytes: used, quotaBytes: quota } } =
		    await api.get('/users/me', null, { signal });
		const words = quotaWords(used, quota);

		fill(node, h('small', null, `Storage: ${words}`),
		    quota ? meter(used, quota, words) : null);
		node.hidden = false;
	} catch {
		node.hidden ||= !signal.aborted; /* unknown */
	}
}
