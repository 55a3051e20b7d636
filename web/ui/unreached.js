/* In place of something whose code did not come. */
import { Problem, reachable } from '../lib/api.js';
import { h } from '../lib/dom.js';
import { notice } from './notice.js';

/* again: as notice() wants it */
export function
unreached(again)
{
	const node = notice(new Problem(0), again);

	/* Some browsers remember that a module did not come: then only a new page helps. */
	reachable(location.origin).then((there) => there && node.append(h('button',
	    { type: 'button', onclick: () => location.reload() }, 'Reload the page')));
	return node;
}
