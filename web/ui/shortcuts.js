/* What keys do, as a list. */
import { h } from '../lib/dom.js';
import { ask } from './dialog.js';

const SHORTCUTS = [
	['Everywhere', [
		['/', 'Search'], ['u', 'Upload files'], ['g', 'Go to the library'],
		['Esc', 'Back; close; clear the selection'], ['?', 'Show this list'],
	]],
	['Among items', [
		['← → ↑ ↓', 'Move'], ['Home End', 'First and last item'], ['Enter', 'Open'],
		['Space', 'Select'], ['Shift + arrows', 'Select a range'],
		['Shift + Space', 'Select up to here'], ['Ctrl + A', 'Select all'],
		['Delete', 'Move the selection to trash'],
	]],
	['With an item open', [
		['← →', 'Previous and next'], ['i', 'Details'], ['+ − 0', 'Zoom in, out, whole'],
		['d', 'Download'], ['l', 'Favourite'], ['r R', 'Rotate right and left'],
		['s', 'Slideshow'],
	 ['Delete', 'Move to trash'],
	]],
	['While it plays', [
		['Space', 'Play or pause'], [', .', '5 seconds back and forth'], ['m', 'Mute'],
		['f', 'Full screen'],
	]],
	['Music', [
		['p', 'Play or pause'], ['[ ]', 'Previous and next song'],
		['n q', 'Song in view: play next, add to the queue'],
	]],
	['On the date bar', [
		['↑ ↓', 'Next month'], ['PgUp PgDn', 'Six months'],
	]],
];

export function
showShortcuts()
{
	ask({ title: 'Keyboard shortcuts', no: null, yes: 'Close', wide: true,
	    body: h('div.shortcut-groups', { tabindex: '0', role: 'group',
		'aria-label': 'Shortcuts' },
		SHORTCUTS.map(([name, keys]) => h('section', null, h('h3', null, name),
		    h('dl.shortcuts', null, keys.map(([key, text]) => [
			h('dt', null, h('kbd', null, key)), h('dd', null, text)]))))) });
}
