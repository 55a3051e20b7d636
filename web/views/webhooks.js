/* Webhooks: where events come from, what came, and who is told. */
import { fill, h } from '../lib/dom.js';
import { link } from '../lib/router.js';
import { adminNav } from '../ui/admin.js';
import { endpointsTab } from '../ui/hook-endpoints.js';
import { inboxTab } from '../ui/hook-inbox.js';
import { sourcesTab } from '../ui/hook-sources.js';

const TABS = { sources: ['Incoming', sourcesTab], inbox: ['Inbox', inboxTab],
    endpoints: ['Outgoing', endpointsTab] };

export function
mount(root, first)
{
	let tab = null;
	let shown = null;
	const tabs = h('nav.sub-nav', { 'aria-label': 'Webhooks' });
	const place = h('div');
	const show = (params) => {
		const name = TABS[params.tab] ? params.tab : 'sources';

		if (name === tab) {
			shown.update(params);
			return;
		}
		shown?.stop();
		tab = name;
		fill(tabs, Object.entries(TABS).map(([one, [text]]) => h('a',
		    { href: link('webhooks', { tab: one }),
			'aria-current': one === tab ? 'page' : null }, text)));
		shown = TABS[tab][1](place, params);
	};

	fill(root, adminNav('webhooks'), h('h1', null, 'Webhooks'), tabs, place);
	show(first);
	return {
		title: () => `${TABS[tab][0]} webhooks`,
		update: show,
		unmount() {
			shown.stop();
		},
	};
}
