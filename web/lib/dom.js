/*
 * Builds the page. Text only ever becomes text nodes, so nothing that a person types can turn into
 * markup.
 */

const SVG = 'http://www.w3.org/2000/svg';

/* Outlines on a 24 x 24 field, drawn with a stroke of the text's colour. */
const ICONS = {
	photos: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01',
	search: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM20 20l-4.8-4.8',
	upload: 'M12 16V5M7 9.5 12 4.5l5 5M5 19.5h14',
	bell: 'M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15zM10 21h4',
	trash: 'M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
	person: 'M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5',
	close: 'M6 6l12 12M18 6 6 18',
	check: 'M5 12.5l4.5 4.5L19 7.5',
	left: 'M15 5l-7 7 7 7',
	right: 'M9 5l7 7-7 7',
	down: 'M5 9l7 7 7-7',
	back: 'M20 12H5M11 6l-6 6 6 6',
	info: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 11v5.5M12 7.5h.01',
	download: 'M12 4.5V16M7 11.5l5 5 5-5M5 20h14',
	restore: 'M5 5v5h5M5.5 10a7.5 7.5 0 1 1-1 4.5',
	tag: 'M4 4h8l8.5 8.5-8 8L4 12zM8.5 8.5h.01',
	house: 'M4 11.5 12 4.5l8 7M6.5 10v9.5h11V10',
	lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
	people: 'M9 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM2.5 19.5c.5-3.5 3-5 6.5-5s6 1.5 6.5 5' +
	    'M16 5.5a3.2 3.2 0 0 1 0 6M18 14.8c2 .7 3.2 2.2 3.5 4.7',
	play: 'M8 5l11 7-11 7z',
	motion: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z' +
	    'M12 8.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z',
	pause: 'M8 5v14M16 5v14',
	volume: 'M4 9.5h3.5L12 5.5v13l-4.5-4H4zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11',
	muted: 'M4 9.5h3.5L12 5.5v13l-4.5-4H4zM16 9.5l5 5M21 9.5l-5 5',
	full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
	music: 'M9 18V6l11-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z' +
	    'M20 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z',
	film: 'M4 5h16v14H4zM8 5v14M16 5v14M4 9.7h4M4 14.3h4M16 9.7h4M16 14.3h4',
	file: 'M6 3.5h8l4.5 4.5v12.5H6zM13.5 4v4.5h5',
	alert: 'M12 4l9 16H3zM12 10v4.5M12 17.2h.01',
	clock: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 7.5V12l3.2 2',
	sort: 'M7 5v14M7 19l-3-3M7 19l3-3M13 6h8M13 12h6M13 18h4',
	out: 'M14 4.5H5.5v15H14M10.5 12H20M16.5 8.5 20 12l-3.5 3.5',
	keyboard: 'M3 6.5h18v11H3zM6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M8 14h8',
	sliders: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
	pulse: 'M3 12.5h4l2.5-7 4.5 13 2.5-6H21',
	heart: 'M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.4 4.3 4.3 0 0 1 19.5 10' +
	    'c0 5.4-7.5 10-7.5 10z',
	link: 'M9.5 14.5l5-5M8 11.5l-2.2 2.2a3.2 3.2 0 0 0 4.5 4.5L12.5 16M11.5 8l2.2-2.2' +
	    'a3.2 3.2 0 0 1 4.5 4.5L16 12.5',
	album: 'M6 4h12v16H6zM9.5 4v16M13 9h2',
	archive: 'M4 5h16v4H4zM5.5 9v10h13V9M10 13h4',
	plus: 'M12 5v14M5 12h14',
	more: 'M12 5v.5M12 11.8v.5M12 18.5v.5',
	spark: 'M12 3.5l2 6.5 6.5 2-6.5 2-2 6.5-2-6.5-6.5-2 6.5-2z',
};

/* Those of parts that come later. */
export const addIcons = (more) => Object.assign(ICONS, more);

function
add(node, child)
{
	if (child === null || child === undefined || child === false)
		return;
	if (Array.isArray(child))
		child.forEach((c) => add(node, c));
	else
		node.append(child instanceof Node ? child : String(child));
}

/*
 * h('button.primary', { onclick: f, 'aria-label': 'Go' }, 'text', node, [more])
 * Names that begin with 'on' are listeners, 'style' is an object of CSS properties, and true and
 * false stand for present and absent attributes.
 */
export function
h(what, props, ...children)
{
	const [tag, ...classes] = what.split('.');
	const node = document.createElement(tag);

	if (classes.length)
		node.className = classes.join(' ');
	for (const [name, value] of Object.entries(props ?? {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (name.startsWith('on'))
			node.addEventListener(name.slice(2), value);
		else if (name === 'style')
			Object.entries(value).forEach(([k, v]) => node.style.setProperty(k, v));
		else if (name === 'value')
			node.value = value;
		else
			node.setAttribute(name, value === true ? '' : value);
	}
	add(node, children);
	return node;
}

export function
icon(name)
{
	const svg = document.createElementNS(SVG, 'svg');
	const path = document.createElementNS(SVG, 'path');

	svg.setAttribute('viewBox', '0 0 24 24');
	svg.setAttribute('class', 'icon');
	svg.setAttribute('aria-hidden', 'true');
	path.setAttribute('d', ICONS[name]);
	svg.append(path);
	return svg;
}

/* A button that shows only an icon; its label is spoken and shown as a tip. */
export function
iconButton(name, label, onclick, props)
{
	return h('button.icon-button',
	    { type: 'button', 'aria-label': label, title: label, onclick, ...props }, icon(name));
}

export function
fill(node, ...children)
{
	node.replaceChildren();
	add(node, children);
	return node;
}

export function
debounce(fn, ms)
{
	let timer = 0;
	const run = (...args) => {
		clearTimeout(timer);
		timer = setTimeout(fn, ms, ...args);
	};

	run.cancel = () => clearTimeout(timer);
	return run;
}

/*
 * Something stands over the whole page: what is below can neither be reached nor moves, though the
 * scroll bar is gone.
 */
export function
cover(on)
{
	const root = document.documentElement;

	if (on && !document.body.classList.contains('viewing'))
		root.style.setProperty('--gutter', `${innerWidth - root.offsetWidth}px`);
	document.getElementById('app').inert = on;
	document.body.classList.toggle('viewing', on);
}

/* Speaks to screen readers without moving the focus. */
export function
announce(text)
{
	const region = document.getElementById('announcer');

	region.textContent = '';
	requestAnimationFrame(() => {
		region.textContent = text;
	});
}

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
export const typing = (target) => target instanceof Element &&
    (target.matches('input:not([type=checkbox],[type=radio],[type=range]), textarea, select') ||
	target.isContentEditable);
