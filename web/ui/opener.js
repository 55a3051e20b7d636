/*
 * Opens the lightbox, whose code comes with the first item that is opened, or about to be.
 */
import { cover as coverPage, fill, h, iconButton } from '../lib/dom.js';
import { goHere } from '../lib/router.js';
import { unreached } from './unreached.js';

let lightbox = null; /* the module */
let wanted = null;   /* what it is to show */
let cover = null;    /* what stands there until it has come: {node, stage, away()} */

async function
load()
{
	lightbox ??= await import('./lightbox.js');
}

function
present()
{
	cover?.away();
	if (wanted)
		lightbox.show(...wanted);
}

const leave = () => (history.state?.opened ? history.back() :
    goHere({ item: null }, { replace: true }));

/* A lightbox with nothing in it yet. */
function
makeCover()
{
	const before = document.activeElement;
	const stage = h('div.stage', null, h('div.skeleton.big', { 'aria-hidden': 'true' }));
	const back = iconButton('back', 'Back', leave);
	const node = h('div.lightbox', { role: 'dialog', 'aria-modal': 'true',
	    'aria-label': 'Item', onkeydown: (event) => event.key === 'Escape' && leave() },
	h('div.lightbox-main', null, h('header.lightbox-bar', null, back), stage));

	coverPage(true);
	document.body.append(node);
	back.focus();
	return { node, stage, away: () => {
		cover = null;
		node.remove();
		coverPage(false);
		before?.focus?.({ preventScroll: true });
	} };
}

async function
open()
{
	try {
		await load();
	} catch {
		if (cover)
			fill(cover.stage, unreached(retry));
		return;
	}
	present();
}

/* One function for all times, as notice() wants it. */
const retry = () => cover && open();

/* As lightbox.js has them. */
export function
show(...what)
{
	wanted = what;
	if (lightbox) {
		present();
		return;
	}
	cover ??= makeCover();
	open();
}

export function
hide()
{
	wanted = null;
	cover?.away();
	lightbox?.hide();
}

/* An item is about to be opened: somebody points at it or has the focus there. */
export function
prepare(event)
{
	if (!lightbox && event.target.closest?.('.tile-link'))
		load().catch(() => {}); /* opening it says so */
}
