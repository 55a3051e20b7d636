/* Notifications, newest first. */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, fullTime } from '../lib/format.js';
import { NOTIFICATIONS } from '../lib/kinds.js';
import { link } from '../lib/router.js';
import { setUnread, unread } from '../lib/unread.js';
import { notice } from '../ui/form.js';
import { fail } from '../ui/toast.js';

const PAGE = 50;

export function
mount(root)
{
	let cursor = null;
	const rows = new Map();
	const list = h('ol.notifications');
	const tail = h('div');
	const readAll = h('button', { type: 'button', onclick: async () => {
		try {
			await api.post('/notifications/read-all', undefined, { again: true });
			setUnread(0);
			rows.forEach(({ node }) => node.classList.remove('unread'));
			readAll.hidden = true;
		} catch (problem) {
			fail(problem);
		}
	} }, 'Mark all as read');
	const markRead = (item, node) => {
		if (item.read)
			return;
		item.read = true;
		node.classList.remove('unread');
		setUnread(Math.max(0, unread() - 1));
		readAll.hidden = unread() === 0;
		api.post(`/notifications/${item.id}/read`, undefined, { again: true }).catch(() =>
		    {});
	};
	const row = (item) => {
		const to = item.data?.mediaId ? link('library', { item: item.data.mediaId }) : null;
		const inside = [icon(NOTIFICATIONS[item.kind] ?? 'bell'),
		    h('span.grow', null, h('strong', null, item.title),
			item.message ? h('span', null, item.message) : null),
			h('time', { datetime: item.createdAt, title: fullTime(item.createdAt) },
			    ago(item.createdAt))];
		const node = h(item.read ? 'li' : 'li.unread', null, h(to ? 'a' : 'button',
		    to ? { href: to, onclick: () => markRead(item, node) } : { type: 'button',
			onclick: () => markRead(item, node) },
		    inside));
		rows.set(item.id, { item, node });
		return node;
	};
	const load = async () => {
		fill(tail, Array.from({ length: 5 }, () => h('div.skeleton.line')));
		try {
			const answer = await api.get('/notifications', { limit: PAGE, cursor },
			    { patient: true });
			cursor = answer.page.nextCursor;
			setUnread(answer.unread);
			readAll.hidden = !answer.unread;
			list.append(...answer.items.filter((item) => !rows.has(item.id)).map(row));
			fill(tail,
			    cursor ? h('button', { type: 'button', onclick: load }, 'Show older') :
				null,
			    rows.size ? null : h('div.empty', null, icon('bell'),
				h('h2', null, 'No notifications'),
				h('p', null, 'You will see here when your uploads are ready or ' +
				    'something needs your attention.')));
		} catch (problem) {
			fill(tail, notice(problem, load));
		}
	};
	const off = on('notification', (event) => {
		const d = event.data ?? {};
		const item = { id: event.id, ...d.notification, data: d, read: false,
		    createdAt: event.timestamp };
		if (!item.title || rows.has(item.id))
			return;
		tail.querySelector('.empty')?.remove();
		list.prepend(row(item));
		readAll.hidden = false;
	});
	const offSync = on('resync', () => {
		rows.clear();
		fill(list);
		cursor = null;
		load();
	});

	fill(root, h('div.toolbar', null, h('h1', null, 'Notifications'), readAll), list, tail);
	readAll.hidden = true;
	load();
	return {
		update() {},
		unmount() {
			off();
			offSync();
		},
	};
}
