import { h } from '../lib/dom.js';
import { bytes } from '../lib/format.js';

/* How much of a whole is used. It warns when that is nearly all, unless that is `usual`. */
export function
meter(used, whole, label, { usual = false } = {})
{
	const share = whole > 0 ? used / whole : used > 0 ? 1 : 0;

	return h(`span.meter${usual ? '' : share > 0.9 ? '.bad' : share > 0.75 ? '.warn' : ''}`,
	    { role: 'img', 'aria-label': label },
	    h('span', { style: { 'inline-size': `${Math.min(100, share * 100)}%` } }));
}

/* quota: bytes, or null for no limit */
export const quotaWords = (used, quota) => (quota ? `${bytes(used)} of ${bytes(quota)}` :
    quota === 0 ? `${bytes(used)}, nothing more allowed` : bytes(used));
