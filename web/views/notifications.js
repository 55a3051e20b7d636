/* Notifications, newest first. The list stays as it was while one of them is opened. */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { announce, fill, h, icon, iconButton } from '../lib/dom.js';
import { ago, fullTime } from '../lib/format.js';
import { NOTIFICATIONS } from '../lib/kinds.js';
import { kindsFor, target } from '../lib/notification-words.js';
import { goHere, link } from '../lib/router.js';
import { can, me } from '../lib/session.js';
import { setUnread, unread } from '../lib/unread.js';
import { notice, options } from '../ui/form.js';
import { fail, toast } from '../ui/toast.js';

const PAGE = 50;
const KEPT_MS = 600000;

/* The list as it was left: {key, items, cursor, y, at, user} */
let kept = null;

export function
mount(root, first)
{
	let params = first;
	let cursor = null;
	let turn = 0;
	const rows = new Map(); /* id -> {item, node} */
	const leaving = new Map(); /* id -> function that deletes it now */
	const list = h('ol.notifications');
	const tail = h('div');
	const keyOf = (p) => JSON.stringify([p.unread ?? '', p.kind ?? '']);
	const asked = () => ({ unread: params.unread ? true : null, kind: params.kind });
	const fits = (item) => (!params.unread || !item.read) &&
	    (!params.kind || item.kind === params.kind);

	const readAll = h('button', { type: 'button', hidden: true, onclick: async () => {
		try {
			await api.post('/notifications/read-all', undefined, { again: true });
			setUnread(0);
			rows.forEach(({ item, node }) => {
				item.read = true;
				node.classList.remove('unread');
			});
			readAll.hidden = true;
		} catch (problem) {
			fail(problem);
		}
	} }, 'Mark all as read');
	const markRead = (item) => {
		if (item.read)
			return;
		item.read = true;
		rows.get(item.id)?.node.classList.remove('unread');
		setUnread(Math.max(0, unread() - 1));
		readAll.hidden = unread() === 0;
		api.post(`/notifications/${item.id}/read`, undefined, { again: true }).catch(() =>
		    {});
	};
	const none = () => (params.unread || params.kind ?
	    h('div.empty', null, icon('bell'), h('h2', null, 'No matches'),
		h('a.button', { href: link('notifications') }, 'Show all')) :
	    h('div.empty', null, icon('bell'), h('h2', null, 'No notifications'),
		h('p', null, 'You will see here when your uploads are ready, when something new ' +
		    'is in the libraries, or when something needs your attention.')));
	const drawTail = () => fill(tail, cursor ?
	    h('button', { type: 'button', onclick: load }, 'Show older') : null,
	    rows.size ? null : none());

	/* Deleted when the message with 'Undo' is gone, or the view is left. */
	const remove = (item) => {
		const { node } = rows.get(item.id);
		const next = node.nextSibling ?? node.previousSibling;
		const undo = () => {
			leaving.delete(item.id);
			rows.set(item.id, { item, node });
			place(node, item);
			drawTail();
			node.querySelector('a, button').focus();
		};
		const now = () => {
			if (!leaving.delete(item.id))
				return;
			api.delete(`/notifications/${item.id}`).then(() => !item.read &&
			    setUnread(Math.max(0, unread() - 1)), (problem) =>
			    problem.status !== 404 && fail(problem, 'Not deleted.'));
		};

		rows.delete(item.id);
		node.remove();
		leaving.set(item.id, now);
		next?.querySelector('a, button')?.focus();
		drawTail();
		toast('Notification deleted', { action: 'Undo', onaction: undo, ended: now });
	};
	const place = (node, item) => {
		const before = [...rows.values()].map((one) => one.item).filter((one) =>
		    one.createdAt < item.createdAt && rows.get(one.id).node.isConnected)
		    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];

		list.insertBefore(node, before ? rows.get(before.id).node : null);
	};
	const row = (item) => {
		const to = target(item);
		const inside = [icon(NOTIFICATIONS[item.kind] ?? 'bell'),
		    h('span.grow', null, h('strong', null, item.title),
			item.message ? h('span', null, item.message) : null),
			h('time', { datetime: item.createdAt, title: fullTime(item.createdAt) },
			    ago(item.createdAt))];
		const open = () => markRead(item);
		const node = h(item.read ? 'li' : 'li.unread', { 'data-id': item.id },
		    to ? h('a', { href: to, onclick: open }, inside) :
			h('button', { type: 'button', onclick: open }, inside),
		    iconButton('trash', `Delete: ${item.title}`, () => remove(item)));

		rows.set(item.id, { item, node });
		return node;
	};
	const take = (answer) => {
		setUnread(answer.unread);
		readAll.hidden = !answer.unread;
		return answer.items.filter((item) => !rows.has(item.id) && !leaving.has(item.id));
	};
	const load = async () => {
		const mine = turn;

		fill(tail, Array.from({ length: 5 }, () => h('div.skeleton.line')));
		try {
			const answer = await api.get('/notifications',
			    { ...asked(), limit: PAGE, cursor }, { patient: true });
			if (mine !== turn)
				return;
			cursor = answer.page.nextCursor;
			list.append(...take(answer).map(row));
			drawTail();
		} catch (problem) {
			if (mine === turn)
				fill(tail, notice(problem, load));
		}
	};
	/* What came while the list was away, on top of what is kept. */
	const catchUp = async () => {
		const mine = turn;

		try {
			const answer = await api.get('/notifications', { ...asked(), limit: PAGE },
			    { patient: true });
			if (mine === turn)
				list.prepend(...take(answer).filter((item) => !rows.size ||
				    item.createdAt > [...rows.values()][0].item.createdAt)
				    .map(row));
		} catch {
			/* what is kept is shown; the next event or visit brings the rest */
		}
	};
	const start = () => {
		turn++;
		cursor = null;
		rows.clear();
		fill(list);
		load();
	};
	const resume = () => {
		cursor = kept.cursor;
		list.append(...kept.items.map(row));
		readAll.hidden = !unread();
		drawTail();
		scrollTo(0, kept.y);
		catchUp();
	};

	const states = h('div.segments', { role: 'group', 'aria-label': 'Show' });
	const kinds = h('select', { 'aria-label': 'Kind',
	    onchange: () => goHere({ kind: kinds.value || null }) },
	options([['', 'All kinds'], ...kindsFor(can)],
	params.kind ?? ''));
	const drawFilters = () => {
		fill(states, [['', 'All'], ['true', 'Unread']].map(([value, text]) => h('button',
		    { type: 'button', 'aria-pressed': String((params.unread ?? '') === value),
			onclick: () => goHere({ unread: value || null }) }, text)));
		kinds.value = params.kind ?? '';
	};
	const about = (test) => [...rows.values()].some(({ item }) => test(item.data ?? {},
	    item.kind));
	const send = async () => (await import('../ui/broadcast.js')).broadcast();
	const offs = [
		on('notification', (event) => {
			const d = event.data ?? {};
			const item = { id: event.id, ...d.notification, data: d, read: false,
			    createdAt: event.timestamp };
			if (!item.title || leaving.has(item.id) || !fits(item))
				return;
			/* a batch that has grown is told again, with the same id */
			rows.get(item.id)?.node.remove();
			rows.delete(item.id);
			list.prepend(row(item));
			drawTail();
			readAll.hidden = false;
			announce(item.title);
		}),
		/* What was shared was taken back, and so is what was said of it. */
		on('server-event', ({ type, data }) => {
			const gone = { 'collection.deleted': 'collectionId',
			    'download.removed': 'downloadId',
			    'download.failed': 'downloadId' }[type];

			if (gone && about((said) => said[gone] === data?.[gone]))
				start();
		}),
		on('media-event', ({ id }) => about((said, kind) => kind.startsWith('share.') &&
		    said.mediaIds?.includes(id)) && start()),
		on('resync', start),
	];

	fill(root, h('div.toolbar', null, h('h1', null, 'Notifications'),
	    h('div.buttons', null, readAll, can('users.manage') ?
		h('button', { type: 'button', onclick: send }, 'Send a message') : null,
		h('a.button', { href: link('preferences'),
		    'aria-label': 'Notification settings' }, icon('sliders'), 'Settings'))),
	h('div.toolbar.narrow', null, states, kinds), list, tail);
	const showDownloads = () => params.downloads &&
	    import('../ui/downloads.js').then(({ recall }) => recall(), fail);

	drawFilters();
	showDownloads();
	if (kept && kept.key === keyOf(params) && kept.user === me.user.id &&
	    Date.now() - kept.at < KEPT_MS)
		resume();
	else
		start();
	return {
		update(next) {
			const same = keyOf(next) === keyOf(params);
			params = next;
			drawFilters();
			showDownloads();
			if (!same)
				start();
		},
		unmount() {
			kept = { key: keyOf(params), items: [...list.children].map((node) =>
			    rows.get(node.dataset.id)?.item).filter(Boolean), cursor,
			y: scrollY, at: Date.now(), user: me.user?.id };
			turn++;
			[...leaving.values()].forEach((now) => now());
			offs.forEach((off) => off());
		},
	};
}
