/*
 * Plots drawn as SVG: lines over time with a limit, and bars. Each can be read without seeing it: a
 * plot is a slider whose value is a moment in words, and the same figures stand in a table.
 */
import { fill, h } from '../lib/dom.js';
import { bytes, count } from '../lib/format.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 172;
const PAD = { left: 56, right: 10, top: 10, bottom: 24 };
const LABEL_PX = 92; /* room for a label of the time axis */
const ROWS_MAX = 60; /* of a table: the newest */
const DAY_MS = 86400000;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const both = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 2 });
const decimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/* A value in the unit of its metric, for people. */
export function
measure(value, unit)
{
	if (value === null || value === undefined)
		return '–';
	if (unit === 'bytes')
		return bytes(value);
	if (unit === 'ratio')
		return (value !== 0 && Math.abs(value) < 0.01 ? fine : percent).format(value);
	if (unit === 'ms')
		return `${decimal.format(value)} ms`;
	return Number.isInteger(value) ? count(value) : decimal.format(value);
}

function
draw(tag, props, ...children)
{
	const node = document.createElementNS(SVG, tag);

	for (const [name, value] of Object.entries(props))
		node.setAttribute(name, value);
	node.append(...children);
	return node;
}

/* A step of which three or four make up the axis: 1, 2, 2.5 or 5 times a power of ten. */
function
stepFor(max)
{
	const raw = max / 4;
	const power = 10 ** Math.floor(Math.log10(raw));

	return power * [1, 2, 2.5, 5, 10].find((one) => one * power >= raw * 0.999);
}

function
axisFor(max, unit)
{
	if (unit === 'ratio' && max > 0.5)
		return [0, 0.25, 0.5, 0.75, 1];
	const whole = unit !== 'ratio' && unit !== 'ms';
	const step = Math.max(stepFor(max || 1), whole ? 1 : 0);
	const ticks = [0];

	while (ticks.at(-1) < max || ticks.length < 2)
		ticks.push(ticks.length * step);
	return ticks;
}

/* Points in time; what was not measured is a point without a value. */
function
withGaps(points, step)
{
	const out = [];

	for (const { at, value } of points) {
		const t = Date.parse(at);

		if (out.length && t - out.at(-1).t > 1.5 * step)
			out.push({ t: out.at(-1).t + step, value: null });
		out.push({ t, value });
	}
	return out;
}

/* The line of a series: a gap wherever there is no value. */
function
pathOf(points, x, y)
{
	let pen = 'M';
	let text = '';

	for (const { t, value } of points) {
		if (value === null) {
			pen = 'M';
			continue;
		}
		/* a point alone is a line of no length, which round ends make a dot */
		text += `${pen}${x(t).toFixed(1)} ${y(value).toFixed(1)}`;
		if (pen === 'M')
			text += 'h.01';
		pen = 'L';
	}
	return text;
}

/* The surface between a line without gaps and the axis. */
function
areaOf(points, x, y)
{
	const runs = [[]];

	points.forEach((p) => (p.value === null ? runs.push([]) : runs.at(-1).push(p)));
	return runs.filter((run) => run.length > 1).map((run) =>
	    `${pathOf(run, x, y)}L${x(run.at(-1).t).toFixed(1)} ${y(0)}L${
		x(run[0].t).toFixed(1)} ${y(0)}Z`).join('');
}

const last = (points) => points.findLast(({ value }) => value !== null)?.value ?? null;

function
tableOf(series, unit)
{
	const rows = series[0].points.slice(-ROWS_MAX).reverse();

	return h('table.matrix.plot-table', null, h('thead', null, h('tr', null,
	    h('th', { scope: 'col' }, 'Time'),
	    series.map(({ name }) => h('th', { scope: 'col' }, name)))),
	h('tbody', null, rows.map(({ t }) => h('tr', null,
	    h('th', { scope: 'row' }, both.format(t)), series.map(({ points }) => h('td', null,
		measure(points.find((p) => p.t === t)?.value ?? null, unit)))))));
}

/*
 * series: [{name, points: [{at, value|null}]}], the one that matters most first; step: seconds
 * between points; limit: the threshold or null; from, to: dates. Returns {node, stop()}; it is
 * drawn as wide as its place.
 */
export function
linePlot({ title, series: given, unit, step, limit = null, from, to })
{
	const series = given.map((one) => ({ ...one, points: withGaps(one.points, step * 1000) }));
	const times = series[0].points.map(({ t }) => t);
	const [start, end] = [from.getTime(), to.getTime()];
	const values = series.flatMap(({ points }) => points.map(({ value }) => value ?? 0));
	const ticks = axisFor(Math.max(...values, limit ?? 0), unit);
	const svg = draw('svg', { class: 'plot-art', height: HEIGHT, 'aria-hidden': 'true' });
	const said = h('p.plot-said', { 'aria-hidden': 'true' });
	const node = h('div.plot', { tabindex: '0', role: 'slider', 'aria-valuemin': '0',
	    'aria-label': `${title}, moments`,
	    'aria-valuemax': String(Math.max(times.length - 1, 0)) }, svg, said);
	let at = times.length - 1;
	let marker = null;
	let x = null;
	const y = (value) => PAD.top + (HEIGHT - PAD.top - PAD.bottom) * (1 - value / ticks.at(-1));
	const words = (i) => `${both.format(times[i])}: ${series.map(({ name, points }) =>
	    `${name} ${measure(points.find((p) => p.t === times[i])?.value, unit)}`).join(', ')}`;
	const point = (i, shown) => {
		at = Math.max(0, Math.min(times.length - 1, i));
		node.setAttribute('aria-valuenow', String(Math.max(at, 0)));
		node.setAttribute('aria-valuetext', times.length ? words(at) : 'No figures yet');
		said.textContent = shown && times.length ? words(at) : '';
		marker?.remove();
		marker = shown && x && times.length ? draw('line', { class: 'plot-cursor',
		    x1: x(times[at]), x2: x(times[at]), y1: PAD.top,
		    y2: HEIGHT - PAD.bottom }) : null;
		if (marker)
			svg.append(marker);
	};
	const paint = (width) => {
		const day = end - start > 2 * DAY_MS ? date : clock;
		const labels = Math.max(2, Math.min(5, Math.floor((width - PAD.left) / LABEL_PX)));

		x = (t) => PAD.left + (width - PAD.left - PAD.right) * (t - start) / (end - start);
		svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
		svg.replaceChildren(
		    ...ticks.map((tick) => draw('g', {},
			draw('line', { class: 'plot-rule', x1: PAD.left, x2: width - PAD.right,
			    y1: y(tick), y2: y(tick) }),
			draw('text', { class: 'plot-text', x: PAD.left - 8, y: y(tick) + 4,
			    'text-anchor': 'end' }, measure(tick, unit)))),
		    ...Array.from({ length: labels }, (_, i) => {
			const t = start + (end - start) * i / (labels - 1);

			return draw('text', { class: 'plot-text', x: x(t), y: HEIGHT - 6,
			    'text-anchor': i === 0 ? 'start' : i === labels - 1 ? 'end' :
				'middle' }, day.format(t));
		    }),
		    draw('path', { class: 'plot-area', d: areaOf(series[0].points, x, y) }),
		    ...series.map(({ points }, i) => draw('path', { class: `plot-line n${i}`,
			d: pathOf(points, x, y) })).reverse(),
		    ...limit === null ? [] : [draw('line', { class: 'plot-limit', x1: PAD.left,
			x2: width - PAD.right, y1: y(limit), y2: y(limit) })]);
		point(at, Boolean(marker));
	};
	const nearest = (event) => {
		const box = svg.getBoundingClientRect();
		const t = start + (end - start) * (event.clientX - box.left - PAD.left) /
		    (box.width - PAD.left - PAD.right);

		return times.reduce((best, one, i) => (Math.abs(one - t) <
		    Math.abs(times[best] - t) ? i : best), 0);
	};
	const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1,
	    PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
	const watch = new ResizeObserver(([entry]) => entry.contentRect.width > 0 &&
	    paint(Math.round(entry.contentRect.width)));

	node.addEventListener('pointermove', (event) => point(nearest(event), true));
	node.addEventListener('pointerleave', () => point(times.length - 1, false));
	node.addEventListener('focus', () => point(at, node.matches(':focus-visible')));
	node.addEventListener('blur', () => point(times.length - 1, false));
	node.addEventListener('keydown', (event) => {
		if (moves[event.key] === undefined)
			return;
		event.preventDefault();
		point(at + moves[event.key], true);
	});
	watch.observe(node);
	point(at, false);
	const table = h('div');
	const fold = h('details.plot-fold', { ontoggle: () => fold.open && !table.firstChild &&
	    fill(table, tableOf(series, unit)) }, h('summary', null, 'Table'), table);
	const legend = series.length > 1 || limit !== null ? h('ul.plot-legend', null,
	    series.map(({ name, points }, i) => h('li', null, h(`span.plot-key.n${i}`), name, ' ',
		h('strong', null, measure(last(points), unit)))),
	    limit === null ? null : h('li', null, h('span.plot-key.limit'), 'Limit ',
		h('strong', null, measure(limit, unit)))) : null;

	return { node: h('div.plot-whole', null, legend, node, fold),
	    stop: () => watch.disconnect() };
}

/* list: [{name, value, text, hint?}]; the text beside each bar says all. */
export function
bars(list, label)
{
	const max = Math.max(...list.map(({ value }) => value), 1);

	return h('ul.bars', { 'aria-label': label }, list.map(({ name, value, text, hint }) =>
	    h('li', null, h('span.bar-name', null, name), h('span.bar', { 'aria-hidden': 'true' },
		h('span', { style: { 'inline-size': `${Math.max(0.5, 100 * value / max)}%` } })),
	    h('span.bar-text', null, text, hint ? h('small', null, hint) : null))));
}

/* Columns for months or the like, oldest first: [{name, value, text}]. */
export function
columns(list, label)
{
	const max = Math.max(...list.map(({ value }) => value), 1);

	return h('ol.columns', { 'aria-label': label }, list.map(({ name, value, text }) =>
	    h('li', { title: `${name}: ${text}` }, h('span.column', { 'aria-hidden': 'true' },
		h('span', { style: { 'block-size': `${Math.max(1, 100 * value / max)}%` } })),
	    h('span.unseen', null, `${name}: ${text}`))));
}

export { last as lastValue };
