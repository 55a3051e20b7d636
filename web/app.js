/*
 * The page: the session, the frame around the views, and what all views share. A new view is one
 * module and one row below.
 */
import { again } from './lib/again.js';
import { api, Problem, resume, signOut } from './lib/api.js';
import { emit, on } from './lib/bus.js';
import { announce, fill, h, icon, iconButton, typing } from './lib/dom.js';
import { many } from './lib/format.js';
import * as live from './lib/live.js';
import * as router from './lib/router.js';
import { can, end, me, recall } from './lib/session.js';
import { setUnread } from './lib/unread.js';
import * as lightbox from './ui/opener.js';
import { forgetRecent, SearchBox } from './ui/searchbox.js';
import { fail } from './ui/toast.js';
import { unreached } from './ui/unreached.js';
import { Uploading } from './ui/uploading.js';

/*
 * Views by their name in the address. nav, menu: the icon in the navigation or in the account menu;
 * permission: what a person needs to see it there.
 */
const VIEWS = {
	library: { title: 'Library', nav: 'photos', load: () => import('./views/library.js') },
	shelves: { title: 'Shelves', nav: 'film', load: () => import('./views/shelves.js') },
	title: { title: 'Title', load: () => import('./views/title.js') },
	links: { title: 'Public links', load: () => import('./views/links.js') },
	albums: { title: 'Albums', nav: 'album', load: () => import('./views/albums.js') },
	album: { title: 'Album', load: () => import('./views/album.js') },
	search: { title: 'Search', nav: 'search', load: () => import('./views/search.js') },
	requests: { title: 'Requests', nav: 'spark', permission: 'integrations.view',
	    load: () => import('./views/requests.js') },
	notifications: { title: 'Notifications', nav: 'bell',
	    load: () => import('./views/notifications.js') },
	preferences: { title: 'Notification settings',
	    load: () => import('./views/preferences.js') },
	trash: { title: 'Trash', nav: 'trash', load: () => import('./views/trash.js') },
	you: { title: 'Account', menu: 'person', load: () => import('./views/you.js') },
	map: { title: 'Map', menu: 'motion', permission: 'media.upload',
	    load: () => import('./views/map.js') },
	duplicates: { title: 'Duplicates', menu: 'photos', permission: 'media.upload',
	    load: () => import('./views/duplicates.js') },
	dashboard: { title: 'Dashboard', menu: 'pulse', permission: 'users.manage',
	    load: () => import('./views/dashboard.js') },
	alerts: { title: 'Alerts', load: () => import('./views/alerts.js') },
	jobs: { title: 'Jobs', load: () => import('./views/jobs.js') },
	storage: { title: 'Storage', load: () => import('./views/storage.js') },
	processes: { title: 'Processes', load: () => import('./views/processes.js') },
	users: { title: 'People', menu: 'people', permission: 'users.manage',
	    load: () => import('./views/users.js') },
	roles: { title: 'Roles', menu: 'lock', permission: 'system.settings',
	    load: () => import('./views/roles.js') },
	settings: { title: 'Settings', menu: 'sliders', permission: 'system.settings',
	    load: () => import('./views/settings.js') },
	integrations: { title: 'Integrations', menu: 'house', permission: 'integrations.view',
	    load: () => import('./views/integrations.js') },
	server: { title: 'Server', load: () => import('./views/server.js') },
	sync: { title: 'Sync', load: () => import('./views/sync.js') },
	overseerr: { title: 'Overseerr', load: () => import('./views/overseerr.js') },
	webhooks: { title: 'Webhooks', menu: 'out', permission: 'webhooks.manage',
	    load: () => import('./views/webhooks.js') },
	endpoint: { title: 'Endpoint', load: () => import('./views/endpoint.js') },
	audit: { title: 'Audit log', menu: 'clock', permission: 'users.manage',
	    load: () => import('./views/audit.js') },
};
const BANNER_AFTER_MS = 2500;
const BACK_SHOWN_MS = 3000;

const app = document.getElementById('app');
/* a page for people who are not signed in is shown, other than the sign-in form */
let atDoor = '';
let awaited = null; /* what arrive() tries at last */
let frame = null; /* what belongs to a signed-in page: {search, uploading, offs} */

/*
 * Pages for people who are not signed in, by their names in the address: a public link, and the
 * DOORS of views/door.js.
 */
const DOORS = ['join', 'confirm', 'forgot', 'unsubscribe', 'reset'];
const isDoor = (name) => name === 'link' || DOORS.includes(name);

const showShortcuts = () => import('./ui/shortcuts.js').then((module) => module.showShortcuts(),
    () => fail(new Problem(0)));

async function
leave()
{
	const open = frame?.uploading?.openCount() ?? 0;

	if (!(await router.mayLeave()))
		return;
	if (open && !(await (await import('./ui/dialog.js')).ask({ title: 'Sign out now?',
	    text: `This stops ${many(open, 'upload')}.`, yes: 'Sign out', danger: true })))
		return;
	try {
		await signOut();
	} catch {
		/* The tokens are forgotten here in any case; on the server, the session expires. */
	}
}

/* The views with an icon in this place ('nav' or 'menu') that the person may see. */
const viewsIn = (place) => Object.entries(VIEWS).filter(([, v]) =>
    v[place] && (!v.permission || can(v.permission)));

function
accountMenu()
{
	const name = me.user.displayName || me.user.email;
	const menu = h('div.menu',
	    { id: 'account-menu', popover: 'auto', role: 'group', 'aria-label': 'Account' },
	    h('p.menu-who', null, h('strong', null, name), h('small', null, me.user.email)),
	    viewsIn('menu').map(([to, v]) => h('a',
		{ href: router.link(to), onclick: () => menu.hidePopover() },
		icon(v.menu), v.title)),
	    can('media.upload') ? h('button', { type: 'button', onclick: () => {
		    menu.hidePopover();
		    emit('pick-folder');
	    } }, icon('upload'), 'Upload a folder') : null,
	    h('button', { type: 'button', onclick: () => {
		    menu.hidePopover();
		    showShortcuts();
	    } }, icon('keyboard'), 'Keyboard shortcuts'),
	    h('button', { type: 'button', onclick: () => {
		    menu.hidePopover();
		    leave();
	    } }, icon('out'), 'Sign out'));
	const button = h('button.avatar',
	    { type: 'button', popovertarget: 'account-menu', 'aria-label': `Account: ${name}`,
		title: name },
	    [...name][0].toUpperCase());

	const storage = h('p.storage-bar', { hidden: true });
	menu.querySelector('.menu-who').after(storage);
	menu.addEventListener('toggle', ({ newState }) => newState === 'open' &&
	    import('./ui/storage-bar.js').then((bar) => bar.drawStorage(storage, menu), () => {}));
	return [button, menu];
}

function
navigation()
{
	const counted = (name, ...what) => (name === 'notifications' ? h(...what) : null);

	return h('nav.main-nav', { 'aria-label': 'Main' }, viewsIn('nav').map(([name, v]) =>
		h('a', { href: router.link(name), 'data-view': name },
		    h('span.nav-icon', null, icon(v.nav),
			counted(name, 'span.count', { hidden: true, 'aria-hidden': 'true' })),
		    h('span.nav-text', null, v.title, counted(name, 'span.unseen.spoken-count')))));
}

/* A thin line that says when the connection is lost, and when it is back. */
function
connectionBanner()
{
	const node = h('div.banner', { role: 'status', hidden: true });
	let timer = 0;
	let lost = false;
	const off = on('live', ({ state }) => {
		if (state === 'off') {
			timer ||= setTimeout(() => {
				lost = true;
				node.hidden = false;
				node.className = 'banner lost';
				node.textContent = navigator.onLine ?
				    'Connection lost. Reconnecting…' : 'You are offline.';
			}, BANNER_AFTER_MS);
			return;
		}
		clearTimeout(timer);
		timer = 0;
		if (lost) {
			lost = false;
			node.className = 'banner back';
			node.textContent = 'Connected again';
			timer = setTimeout(() => {
				timer = 0;
				node.hidden = true;
			}, BACK_SHOWN_MS);
		}
	});

	return { node, off: () => {
		off();
		clearTimeout(timer);
	} };
}

async function
badge()
{
	try {
		const answer = await api.get('/notifications', { limit: 1 }, { patient: true });
		live.sawSeq(answer.items[0]?.seq);
		setUnread(answer.unread);
	} catch {
		/* The next notification brings the badge. */
	}
}

function
keys(event)
{
	if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey ||
	    document.querySelector('dialog[open], .lightbox'))
		return;
	if (event.key === '?')
		showShortcuts();
	else if (event.key === 'u')
		emit('pick-files');
	else if (event.key === 'g')
		router.go('library', {});
}

function
enter()
{
	const search = new SearchBox();
	const banner = connectionBanner();
	const main = h('main', { id: 'main', tabindex: '-1' });
	const nav = navigation();
	const uploading = can('media.upload') ? new Uploading() : null;
	/* One in the header, one within a thumb's reach; the style sheet shows the right one. */
	const uploadButton = (name, text) => (uploading ?
	    h(`button.primary.${name}`,
		{ type: 'button', 'aria-label': 'Upload', onclick: () => emit('pick-files'),
		    onpointerenter: () => uploading.prepare(), onfocus: () => uploading.prepare() },
		icon('upload'), text) : null);

	fill(app, h('a.skip', { href: '#main', onclick: (event) => {
		event.preventDefault();
		main.focus();
	} }, 'Skip to content'),
	h('header.top', null,
	    h('a.brand',
		{ href: router.link('library'), 'aria-label': 'MediaNest: go to the library' },
		h('img', { src: 'icon.svg', alt: '', width: '30', height: '30' }),
		h('span', null, 'MediaNest')),
	    search.node, uploadButton('upload-button', 'Upload'), accountMenu()),
	    banner.node, nav, main, uploadButton('upload-float'), uploading?.node);
	addEventListener('keydown', keys);
	frame = { search, uploading, offs: [
		banner.off,
		on('resync', badge),
		/* of a group: it may stand in the place of one that is counted already */
		on('notification', ({ data }) => data?.mediaIds && badge()),
		() => removeEventListener('keydown', keys),
		on('unread', ({ n }) => {
			const count = nav.querySelector('.count');
			count.hidden = !n;
			count.textContent = n > 99 ? '99+' : String(n);
			nav.querySelector('.spoken-count').textContent = n ? `, ${n} unread` : '';
			navigator.setAppBadge?.(n).catch(() => {});
		}),
	] };
	live.start();
	badge();
	if (localStorage['medianest.downloads'])
		import('./ui/downloads.js').then(({ recall: list }) => list(), () => {});
	if (localStorage.getItem('medianest.music'))
		import('./ui/music.js').then((music) => music.restore(), () => {});
	router.start(VIEWS, main, (name, params, view) => {
		nav.querySelectorAll('a').forEach((a) => (a.dataset.view === name ?
		    a.setAttribute('aria-current', 'page') : a.removeAttribute('aria-current')));
		app.dataset.view = name;
		if (name !== 'search')
			search.follow('');
		if (params.item)
			lightbox.show(params.item, view.sequence?.() ?? null,
			    view.query?.() ?? null);
		else
			lightbox.hide();
	}, (root, retry) => fill(root, unreached(retry)));
	main.addEventListener('pointerover', lightbox.prepare);
	main.addEventListener('focusin', lightbox.prepare);
}

/* Takes away what enter() has made. */
function
clear()
{
	live.stop();
	lightbox.hide();
	router.leave();
	frame.search.destroy();
	frame.uploading?.destroy();
	frame.offs.forEach((off) => off());
	frame = null;
	document.body.classList.remove('selecting');
}

function
exit(reason, note = reason === 'ended' ? 'Your session has ended. Sign in again.' : null)
{
	if (frame) {
		clear();
		setUnread(0);
		if (reason === 'out')
			forgetRecent();
	}
	arrive(() => import('./views/signin.js'), (signin) => signin.mount(app, { note,
	    done: (user) => {
		    announce(`Signed in as ${user.displayName}`);
		    enter();
	    } }));
}

/* In place of the whole page: what load() brings, once it is there. */
function
arrive(load, show)
{
	const attempt = async () => {
		let module = null;

		if (awaited !== attempt)
			return;
		try {
			module = await load();
		} catch {
			if (awaited === attempt)
				fill(app, h('main.door', null, unreached(attempt)));
		}
		if (module && awaited === attempt && !frame)
			show(module);
	};

	awaited = attempt;
	fill(app); /* what was there may be of a session that has ended */
	attempt();
}

/* The server could not tell who this is, which is not the same as being signed out. */
function
waiting(problem)
{
	const card = h('div.card', { role: 'alert' },
	    h('img.logo', { src: 'icon.svg', alt: '', width: '56', height: '56' }),
	    h('h1', null, 'MediaNest'), h('p', null, problem.message),
	    problem.requestId ? h('small', null, `Request ${problem.requestId}`) : null,
	    h('button.primary', { type: 'button', onclick: begin }, 'Try again'));

	fill(app, h('main.door', null, card));
	again(() => card.isConnected && begin(), Math.log2(1 + problem.retryAfter));
}

/* Links from emails work for anyone, signed in or not. */
function
knock(where)
{
	const away = () => {
		history.replaceState(null, '', '#/'); /* what the link carried is used up */
		atDoor = '';
	};

	atDoor = where.name;
	arrive(() => (atDoor === 'link' ? import('./views/link.js') :
	    import('./views/door.js')), (door) => door.mount(app, where, {
		done: () => {
			away();
			enter();
		},
		out: (note) => {
			away();
			end('out');
			exit(null, note);
		},
	}));
}

/* The page began with the person as they were last time: begins again where that has changed. */
async function
check()
{
	const before = JSON.stringify(me);

	try {
		await resume();
	} catch {
		return; /* the views say what is wrong */
	}
	if (frame && JSON.stringify(me) !== before) {
		clear();
		enter();
	}
}

async function
begin()
{
	const where = router.here();

	if (isDoor(where.name)) {
		knock(where);
		return;
	}
	atDoor = '';
	if (recall()) {
		enter();
		check();
		return;
	}
	try {
		if (await resume())
			enter();
		else
			exit(null);
	} catch (problem) {
		waiting(problem);
	}
}

on('session', ({ user, reason }) => !user && atDoor !== 'link' && exit(reason));
addEventListener('hashchange', () => {
	const { name } = router.here();

	if (atDoor === 'link' ? name !== atDoor : frame && isDoor(name))
		location.reload();
	else if (!frame && atDoor !== 'link' && (atDoor || isDoor(name)))
		begin();
});
addEventListener('unhandledrejection', (event) => {
	if (event.reason?.status !== undefined) {
		event.preventDefault();
		fail(event.reason);
	}
});
begin();
