/*
 * A map of the world: outlines on a canvas, and a button for each cluster of items. It is moved by
 * pointers, touch, wheel and keyboard. Nothing of it comes from elsewhere.
 */
import { fill, h, iconButton } from '../lib/dom.js';
import { count } from '../lib/format.js';
import { latitudeOf, longitudeOf, toX, toY, world } from '../lib/places.js';

const TILE = 256;      /* CSS pixels of the world at zoom 0 */
const ZOOM_MAX = 17;
const FIT_MAX = 11;    /* the closest that it goes by itself */
const MARGIN = 80;     /* around what is to be seen */
const STEP = 90;       /* of an arrow key */
const WHEEL = 0.0025;  /* zoom of a wheel's pixel */
const SETTLED_MS = 180;
const DRAG = 4;        /* pixels from which on a press is no click */
const clamp = (n, low, high) => Math.max(low, Math.min(high, n));

export class WorldMap {
	/* onmoved({bounds: [west, south, east, north], zoom}), onopen(cluster). */
	constructor({ onmoved, onopen })
	{
		Object.assign(this, { onmoved, onopen, x: 0.5, y: 0.42, zoom: 1, clusters: [] });
		this.canvas = h('canvas', { 'aria-hidden': 'true' });
		this.markers = h('div.markers');
		this.area = h('div.map-area', { tabindex: '0', role: 'group',
		    'aria-label': 'Map. Arrow keys move it, plus and minus zoom.' },
		this.canvas, this.markers);
		this.node = h('div.map', null, this.area, h('div.map-buttons', null,
		    iconButton('plus', 'Zoom in', () => this.by(1)),
		    h('button.icon-button', { type: 'button', 'aria-label': 'Zoom out',
			title: 'Zoom out', onclick: () => this.by(-1) }, '−')));
		this.pointers = new Map();
		this.listen();
		this.sizes = new ResizeObserver(() => this.draw());
		this.sizes.observe(this.area);
		this.scheme = matchMedia('(prefers-color-scheme: dark)');
		this.recolour = () => this.draw();
		this.scheme.addEventListener('change', this.recolour);
		world().then((paths) => {
			this.paths = paths;
			this.draw();
		}, () => {}); /* the clusters show without outlines */
	}

	destroy()
	{
		this.sizes.disconnect();
		this.scheme.removeEventListener('change', this.recolour);
		cancelAnimationFrame(this.frame);
		clearTimeout(this.timer);
		this.node.remove();
	}

	get size() { return TILE * 2 ** this.zoom; }
	get width() { return this.area.clientWidth || 1; }
	get height() { return this.area.clientHeight || 1; }
	/* The world is never narrower than the map. */
	get least()
	{
		return Math.max(0, Math.log2(Math.max(this.width, this.height) / TILE));
	}

	listen()
	{
		const { area } = this;

		area.addEventListener('keydown', (event) => this.key(event));
		area.addEventListener('pointerdown', (event) => this.press(event));
		area.addEventListener('pointermove', (event) => this.drag(event));
		const lift = (event) => this.pointers.delete(event.pointerId);
		area.addEventListener('pointerup', lift);
		area.addEventListener('pointercancel', lift);
		area.addEventListener('dblclick', (event) => !event.target.closest('button') &&
		    this.by(1, event));
		area.addEventListener('wheel', (event) => {
			event.preventDefault();
			this.by(-event.deltaY * WHEEL * (event.deltaMode ? 16 : 1), event);
		}, { passive: false });
	}

	key(event)
	{
		const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP],
			ArrowDown: [0, STEP] };

		if (event.ctrlKey || event.metaKey || event.altKey)
			return;
		if (moves[event.key])
			this.shift(...moves[event.key]);
		else if (event.key === '+' || event.key === '=')
			this.by(1);
		else if (event.key === '-')
			this.by(-1);
		else
			return;
		event.preventDefault();
	}

	press(event)
	{
		if (event.target.closest('button') || event.button > 0)
			return;
		this.area.setPointerCapture(event.pointerId);
		this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
	}

	/* One pointer moves the map, two zoom it too. */
	drag(event)
	{
		const before = [...this.pointers.values()];

		if (!this.pointers.has(event.pointerId))
			return;
		this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
		const now = [...this.pointers.values()];
		const middle = (list, i) => list.reduce((sum, p) => sum + p[i], 0) / list.length;
		const apart = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]);

		this.shift(middle(before, 0) - middle(now, 0), middle(before, 1) - middle(now, 1));
		if (now.length === 2 && apart(before) > DRAG)
			this.by(Math.log2(apart(now) / apart(before)), { clientX: middle(now, 0),
			    clientY: middle(now, 1) });
	}

	shift(dx, dy)
	{
		this.x += dx / this.size;
		this.y += dy / this.size;
		this.draw();
	}

	/* Zooms around a point of the window, or the middle. */
	by(step, at)
	{
		const box = this.area.getBoundingClientRect();
		const dx = at ? at.clientX - box.left - this.width / 2 : 0;
		const dy = at ? at.clientY - box.top - this.height / 2 : 0;
		const x = this.x + dx / this.size;
		const y = this.y + dy / this.size;

		this.zoom = clamp(this.zoom + step, this.least, ZOOM_MAX);
		this.x = x - dx / this.size;
		this.y = y - dy / this.size;
		this.draw();
	}

	/* Shows a box of degrees as a whole. */
	fit([west, south, east, north], closest = FIT_MAX)
	{
		const [left, right, top, bottom] = [toX(west), toX(east), toY(north), toY(south)];
		const wide = right < left ? right + 1 - left : right - left;

		this.zoom = clamp(Math.log2(Math.min(
		    Math.max(1, this.width - 2 * MARGIN) / Math.max(wide, 1e-9),
		    Math.max(1, this.height - 2 * MARGIN) / Math.max(bottom - top, 1e-9)) / TILE),
		this.least, closest);
		this.x = left + wide / 2;
		this.y = (top + bottom) / 2;
		this.draw();
	}

	bounds()
	{
		const halfWidth = Math.min(0.5, this.width / 2 / this.size);
		const halfHeight = this.height / 2 / this.size;
		const whole = halfWidth === 0.5;

		return [whole ? -180 : longitudeOf(this.x - halfWidth),
		    latitudeOf(Math.min(1, this.y + halfHeight)),
		    whole ? 180 : longitudeOf(this.x + halfWidth),
		    latitudeOf(Math.max(0, this.y - halfHeight))];
	}

	show(clusters)
	{
		this.clusters = clusters;
		fill(this.markers, clusters.map((cluster) => {
			const button = h('button.marker',
			    { type: 'button', onclick: () => this.onopen(cluster) },
			    h('span', null, count(cluster.count), h('span.unseen', null,
				cluster.count === 1 ? ' item ' : ' items ')),
			    cluster.placeName ? h('small', null, cluster.placeName) : null);

			button.cluster = cluster;
			return button;
		}));
		this.place();
	}

	/* Draws in the next frame, and says later where it stands. */
	draw()
	{
		this.zoom = clamp(this.zoom, this.least, ZOOM_MAX);
		const half = this.height / 2 / this.size;
		this.y = half >= 0.5 ? 0.5 : clamp(this.y, half, 1 - half);
		this.x -= Math.floor(this.x);
		this.frame ??= requestAnimationFrame(() => {
			this.frame = null;
			this.paint();
			this.place();
		});
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.onmoved({ bounds: this.bounds(),
		    zoom: Math.floor(this.zoom) }), SETTLED_MS);
	}

	paint()
	{
		const { canvas, size, width, height } = this;
		const dense = devicePixelRatio || 1;
		const style = getComputedStyle(this.node);
		const colour = (name) => style.getPropertyValue(name);

		canvas.width = width * dense;
		canvas.height = height * dense;
		const c = canvas.getContext('2d');
		c.fillStyle = colour('--sea');
		c.fillRect(0, 0, canvas.width, canvas.height);
		if (!this.paths)
			return;
		/* the world once more at each side where it is seen */
		for (let turn = -1; turn <= 1; turn++) {
			const left = (turn - this.x) * size + width / 2;

			if (left > width || left + size < 0)
				continue;
			c.setTransform(size * dense, 0, 0, size * dense, left * dense,
			    (height / 2 - this.y * size) * dense);
			c.fillStyle = colour('--land');
			c.fill(this.paths.land, 'evenodd');
			c.strokeStyle = colour('--coast');
			c.lineWidth = 1 / size;
			c.stroke(this.paths.land);
			c.strokeStyle = colour('--border');
			c.stroke(this.paths.borders);
		}
		c.setTransform(1, 0, 0, 1, 0, 0);
	}

	/* Puts the markers where they belong. */
	place()
	{
		for (const button of this.markers.children) {
			const { latitude, longitude } = button.cluster;
			let x = toX(longitude) - this.x;

			x -= Math.round(x); /* the nearer way around */
			const left = x * this.size + this.width / 2;
			const top = (toY(latitude) - this.y) * this.size + this.height / 2;

			button.style.transform =
			    `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
			button.hidden = left < 0 || left > this.width || top < 0 ||
			    top > this.height;
		}
	}
}
