/* What else can be done with the item in the viewer: a button, and a menu that it opens. */
import { h, icon, iconButton } from '../lib/dom.js';

/* rows: [{glyph, text, key, run(), may()}]; shown is what may be done when the menu opens. */
export function
moreMenu(rows)
{
	const menu = h('div.menu.more-menu', { id: 'more-menu', popover: 'auto', role: 'group',
	    'aria-label': 'More actions' });
	const button = iconButton('more', 'More actions', null, { popovertarget: menu.id });
	const entries = rows.map((row) => h('button', { type: 'button', onclick: () => {
		menu.hidePopover();
		row.run();
	} }, icon(row.glyph), row.text, h('kbd', { 'aria-hidden': 'true' }, row.key)));

	menu.append(...entries);
	menu.addEventListener('beforetoggle', ({ newState }) => newState === 'open' &&
	    rows.forEach((row, n) => {
		    entries[n].hidden = !row.may();
	    }));
	return { nodes: [button, menu],
	    show(on) {
		    button.hidden = !on || !rows.some((row) => row.may());
	    } };
}
