/*
 * Which part of the library is shown: all of it, what is one's own, shared or of the house, the
 * favourites, the archive.
 */
import { h, icon } from '../lib/dom.js';
import { goHere } from '../lib/router.js';
import { me } from '../lib/session.js';
import { options } from './notice.js';
import { scopeOf } from './scope.js';

const own = (item) => item.ownerId === me.user?.id;
const PARTS = {
	'': { text: 'Whole library', is: () => true },
	own: { text: 'Mine', is: own },
	shared: { text: 'Shared with me',
	    is: (item) => !own(item) && item.visibility === 'shared' },
	house: { text: 'The house’s', is: (item) => item.visibility === 'house' },
};
const MARKS = {
	favorites: { icon: 'heart', text: 'Favourites', query: { favorite: true },
	    is: (item) => Boolean(item.favorite),
	    none: 'Items that you mark with the heart appear here.' },
	archive: { icon: 'archive', text: 'Archive', query: { archived: true },
	    is: (item) => Boolean(item.archived),
	    none: 'Items that you archive leave your library and appear here.' },
};
const partOf = (params) => (scopeOf(params) === 'library' && PARTS[params.part] ? params.part : '');
const markOf = (params) => MARKS[params.only];

/* What a list shows: a key, its query, and whether an item belongs there. */
export const partsKey = (params) => `${partOf(params)} ${params.only ?? ''}`;
export const partsQuery = (params) => ({ scope: partOf(params) || scopeOf(params),
    ...markOf(params)?.query });
export const inPart = (item, params) => PARTS[partOf(params)].is(item) &&
    (markOf(params)?.is(item) ?? !item.archived);

/* What to say where there is nothing; null: the view knows better. */
export function
noneInPart(params)
{
	const marked = markOf(params);

	if (!marked && !partOf(params))
		return null;
	return h('div.empty', null, icon(marked?.icon ?? 'photos'),
	    h('h2', null, marked ? `Nothing in ${marked.text.toLowerCase()} yet` :
		'Nothing here yet'),
	    marked ? h('p', null, marked.none) : null,
	    h('button', { type: 'button', onclick: () => goHere({ part: null, only: null }) },
		'Show everything'));
}

export function
partsBar()
{
	const select = h('select', { 'aria-label': 'Whose items',
	    onchange: () => goHere({ part: select.value || null, scope: null }) },
	options(Object.entries(PARTS).map(([value, { text }]) => [value, text]), ''));
	const chips = Object.entries(MARKS).map(([name, { icon: glyph, text }]) => {
		const node = h('button.chip.mark', { type: 'button', 'aria-label': text,
		    title: text, 'aria-pressed': 'false', onclick: () => goHere({
			only: node.getAttribute('aria-pressed') === 'true' ? null : name }) },
		icon(glyph), h('span', null, text));
		return { name, node };
	});

	return { node: h('div.parts', null, chips.map(({ node }) => node),
	    h('label.sort.whose', null, icon('people'), select)),
	show(params) {
		select.value = partOf(params);
		chips.forEach(({ name, node }) => node.setAttribute('aria-pressed',
		    String(params.only === name)));
	} };
}
