/* What a visitor of a public link sees; the page without an account, and nothing else of it. */
import { announce, fill, h, icon } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { pager } from '../lib/media.js';
import * as router from '../lib/router.js';
import { visit } from '../lib/visit.js';
import { Form, notice } from '../ui/form.js';
import { Grid } from '../ui/grid.js';
import * as lightbox from '../ui/opener.js';

const PAGE = 100;

const logo = () => h('img.logo', { src: 'icon.svg', alt: '', width: '56', height: '56' });

const card = (...content) => h('div.door', null, h('div.card', null, logo(), content));

/* Not for search engines, whatever leads them here. */
const unlisted = () => document.querySelector('meta[name=robots]') ??
    document.head.append(h('meta', { name: 'robots', content: 'noindex' }));

function
mountLink(root, params)
{
	let { t } = params;
	let open = null;
	let grid = null;
	let title = 'Public link';
	let turn = 0;
	const leave = () => {
		grid?.destroy();
		grid = null;
		lightbox.hide();
	};
	const say = (...content) => {
		leave();
		fill(root, card(content));
		root.querySelector('h1, h2')?.focus();
	};
	const gone = () => {
		say(h('h1', { tabindex: '-1' }, 'This link has ended'),
		    h('p.centred', null,
			'It may have expired, or the person who sent it removed it.'));
		announce('This link has ended');
	};
	const locked = () => {
		const form = Form({
			fields: [{ name: 'password', label: 'Password', type: 'password',
			    required: true, autocomplete: 'off', maxlength: '256' }],
			before: h('p', null, 'The person who sent you this link protected it.'),
			yes: 'Open',
			run: ({ password }) => open.unlock(password),
			done: () => load(),
		});

		say(h('h1', { tabindex: '-1' }, 'Enter the password'), form.node);
		form.inputs.password.focus();
	};
	const ended = ({ code }) => (code === 'link_password' ? locked() : gone());
	const draw = (about) => {
		title = about.title ?? many(about.count, 'item');
		grid = new Grid({
			label: title, pager: pager(() => ({})), accept: () => true,
			empty: () => h('div.empty', null, icon('photos'),
			    h('h2', null, 'Nothing in here any more')),
		});
		fill(root, h('div.toolbar', null, h('div.grow', null, h('h1', { tabindex: '-1' },
		    title), h('p.muted', null, [about.title && about.kind !== 'item' ?
			many(about.count, 'item') : null, about.download ?
			'You can download the originals' : null].filter(Boolean).join(' · ')))),
		h('div.grid-place', null, grid.node));
		document.title = `${title} · MediaNest`;
		if (router.here().params.item)
			lightbox.show(router.here().params.item, grid, null);
		else if (about.kind === 'item' && about.items.length)
			router.goHere({ item: about.items[0].id }, { replace: true });
	};
	const load = async () => {
		const mine = ++turn;

		try {
			const about = await open.open(PAGE);
			if (mine === turn)
				draw(about);
		} catch (problem) {
			if (mine === turn && !['link_gone', 'link_password'].includes(problem.code))
				fill(root, notice(problem, load));
		}
	};
	const begin = () => {
		leave();
		fill(root, h('div.skeletons', { 'aria-hidden': 'true' },
		    Array.from({ length: 6 }, (_, i) => h(`div.skeleton.s${i % 5}`))));
		open = visit(t ?? '-', ended);
		load();
	};

	begin();
	return {
		sequence: () => grid,
		title: () => title,
		update(next) {
			if (next.t === t)
				return;
			({ t } = next);
			begin();
		},
		unmount: leave,
	};
}

/* In place of the whole page. */
export function
mount(app)
{
	const main = h('main', { id: 'main', tabindex: '-1' });

	unlisted();
	app.dataset.view = 'link';
	fill(app, h('header.top', null, h('span.brand', null,
	    h('img', { src: 'icon.svg', alt: '', width: '30', height: '30' }),
	    h('span', null, 'MediaNest'))), main);
	main.addEventListener('pointerover', lightbox.prepare);
	main.addEventListener('focusin', lightbox.prepare);
	router.start({
		link: { title: 'Public link', load: async () => ({ mount: mountLink }) },
		library: { title: 'MediaNest', load: () => new Promise(() => {}) }, /* see app.js */
	}, main, (name, params, view) => {
		if (params.item && view.sequence?.())
			lightbox.show(params.item, view.sequence(), null);
		else
			lightbox.hide();
	}, () => {});
}
