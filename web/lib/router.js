/*
 * Views by address: '#/search?q=sea&item=ID' is the view 'search' with parameters; `item` opens the
 * lightbox over any view. A view is one module that exports mount(root, params) -> {
 * update(params), unmount(), sequence?, title?, leaving? }. leaving() returns or promises whether
 * the person may go, having asked them where something would be lost.
 */
const LATE_MS = 300;

let routes = {};
let root = null;
let changed = () => {};
let failed = () => {};
let current = null; /* {name, view, params} */
let pending = 0;
let applied = null; /* the hash that is shown */
let late = 0;       /* the timer after which a view that is not there yet is said to come */

export function
parse(hash = location.hash)
{
	const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');

	return { name: path || 'library', params: Object.fromEntries(new URLSearchParams(query)) };
}

/* Parameters without a value are left out. */
export function
link(name, params = {})
{
	const query = new URLSearchParams(Object.entries(params).filter(([, v]) =>
	    v !== undefined && v !== null && v !== '')).toString();

	return `#/${name === 'library' ? '' : name}${query ? `?${query}` : ''}`;
}

export function
go(name, params, { replace = false } = {})
{
	const to = link(name, params);
	const state = { opened: Boolean(params?.item) && !parse().params.item };

	if (to === (location.hash || '#/'))
		return;
	if (replace)
		history.replaceState(history.state, '', to);
	else
		history.pushState(state, '', to);
	apply();
}

/* The same view with other parameters. */
export function
goHere(params, options)
{
	const { name, params: now } = parse();

	go(name, { ...now, ...params }, options);
}

export const view = () => current?.view ?? null;
export const here = () => parse();

export const mayLeave = async () => current?.view.leaving?.() ?? true;

export async function
apply()
{
	let { name, params } = parse();
	const turn = ++pending;

	if (!routes[name]) {
		name = 'library';
		params = {};
	}
	const before = applied;

	applied = location.hash;
	if (current?.name !== name && !(await mayLeave())) {
		if (turn === pending) {
			applied = before;
			history.pushState(null, '', before);
		}
		return;
	}
	if (turn !== pending)
		return;
	clearTimeout(late);
	if (current?.name !== name) {
		late = setTimeout(() => root.setAttribute('aria-busy', 'true'), LATE_MS);
		const module = await routes[name].load().catch(() => null);

		if (turn !== pending)
			return;
		clearTimeout(late);
		const first = !current;
		current?.view.unmount();
		root.replaceChildren();
		scrollTo(0, 0);
		current = module ? { name, params, view: module.mount(root, params) } :
		    { name: null, params, view: missing(name) };
		/* what had the focus went with the view before */
		if (!first && document.activeElement === document.body)
			root.focus({ preventScroll: true });
	} else {
		current.params = params;
		current.view.update(params);
	}
	root.removeAttribute('aria-busy');
	document.title = `${current.view.title?.() ?? routes[name].title} · MediaNest`;
	changed(name, params, current.view);
}

/* In place of a view whose module did not come; failed() draws it. */
function
missing(name)
{
	failed(root, routes[name].retry ??= () => current?.name === null && apply());
	return { update() {}, unmount() {} };
}

/* A link fires both popstate and hashchange. */
const moved = () => location.hash !== applied && apply();

export function
start(table, element, onchange, onfail)
{
	failed = onfail;
	routes = table;
	root = element;
	changed = onchange;
	addEventListener('hashchange', moved);
	addEventListener('popstate', moved);
	return apply();
}

export function
leave()
{
	pending++;
	clearTimeout(late);
	removeEventListener('hashchange', moved);
	removeEventListener('popstate', moved);
	current?.view.unmount();
	current = null;
	root?.replaceChildren();
}
