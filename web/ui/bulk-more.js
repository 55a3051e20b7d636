/* The menu of the selection bar: what is done more rarely with many items. */
import { h, icon } from '../lib/dom.js';
import { count, many } from '../lib/format.js';
import { known } from '../lib/media.js';
import { ask } from './dialog.js';
import { options } from './form.js';
import { turn, turnable } from './turn.js';

let pressedOpen = false; /* the menu was open when its button was pressed: the press closes it */

const slides = async (items) => (await import('./slideshow.js')).slideshow({
	items: () => items,
});

/* Where something plays already, the person says what becomes of these. */
async function
playMany(items)
{
	const music = await import('./music.js');
	const how = music.isPlaying() ? h('select', { 'aria-label': 'When' },
	    options([['now', 'Play now'], ['next', 'Play next'],
		['end', 'Add to the end of the queue']], 'next')) : null;
	const when = how ? await ask({ title: `Play ${many(items.length, 'song')}`, body: how,
	    yes: 'OK', value: () => how.value }) : 'now';

	if (when === 'now')
		music.play(items);
	else if (when)
		music.add(items, when === 'next');
}

/* [glyph, text, run]; the selection stays: one turn may not be enough. Of items that are loaded. */
function
ownRows(items)
{
	const turned = items.filter(turnable);
	const songs = items.filter(({ kind }) => kind === 'audio');
	const seen = items.filter(({ kind }) => ['image', 'video'].includes(kind));

	return [
		turned.length && ['rotate', 'Rotate right', () => turn(turned, 90)],
		turned.length && ['restore', 'Rotate left', () => turn(turned, 270)],
		turned.length && ['rotate', 'Turn upside down', () => turn(turned, 180)],
		seen.length && ['play', 'Slideshow', () => slides(seen)],
		songs.length && ['music', 'Play', () => playMany(songs)],
	].filter(Boolean);
}

const shownIn = (menu) => [...menu.querySelectorAll('button')].filter((one) =>
    one.getClientRects().length);

/* Up and down go from one to the next, past those that have no room to be shown. */
function
step(event, menu)
{
	const entries = shownIn(menu);
	const at = entries.indexOf(document.activeElement);
	const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];

	if (to === undefined)
		return;
	event.preventDefault();
	entries.at(to % entries.length).focus();
}

/*
 * selection: its actions that are rare come first, where the bar has no room for them, or where
 * there is nothing else.
 */
export function
more(items, selection)
{
	const button = selection.bar.querySelector('[aria-label="More actions"]');
	const menu = h('div.menu.bulk-menu', { popover: 'auto', role: 'group',
	    'aria-label': 'More actions', onkeydown: (event) => step(event, menu) });
	const entry = (glyph, text, run, rare) => h('button', { type: 'button',
	    'data-rare': rare || null, onclick: () => {
		    menu.hidePopover();
		    run();
	    } }, icon(glyph), text);

	if (pressedOpen) {
		pressedOpen = false;
		return;
	}
	const loaded = items.filter(({ id }) => known(id));
	const own = ownRows(loaded);
	const note = own.length && loaded.length < items.length &&
	    h('small', null, `With the ${count(loaded.length)} of them that are loaded:`);

	menu.append(...selection.actions.filter((action) => action.rare &&
	    selection.fitting(action).length).map((action) => entry(action.icon, action.label,
	    () => selection.run(action), own.length > 0)),
	note || '', ...own.map((row) => entry(...row)));
	const press = () => {
		pressedOpen = menu.matches(':popover-open');
	};

	menu.addEventListener('toggle', ({ newState }) => {
		button.setAttribute('aria-expanded', String(newState === 'open'));
		if (newState === 'open')
			return;
		button.removeEventListener('pointerdown', press);
		menu.remove();
	});
	button.addEventListener('pointerdown', press);
	document.body.append(menu);
	menu.showPopover();
	shownIn(menu)[0]?.focus();
}
