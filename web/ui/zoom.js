/*
 * A picture under the fingers: pinch, wheel, double tap and + / - zoom; dragging moves it when
 * zoomed, and otherwise swipes to the neighbours or down to close. All by transforms.
 */
const MOST = 6;
const TAP_ZOOM = 2.5;
const SWIPE = 60;        /* CSS pixels */
const SWIPE_SPEED = 0.5; /* pixels a millisecond */
const DOUBLE_MS = 300;

export class Zoom {
	/*
	 * stage gets the gestures, picture the transform; onswipe('left'|'right'|'down'),
	 * onzoom(scale), ontap()
	 */
	constructor(stage, picture, { onswipe, onzoom, ontap })
	{
		Object.assign(this, { stage, picture, onswipe, onzoom, ontap });
		this.points = new Map();
		this.tapped = 0;
		this.stop = new AbortController();
		const listen = (type, fn, options) => stage.addEventListener(type, fn,
		    { signal: this.stop.signal, ...options });

		listen('pointerdown', (event) => this.down(event));
		listen('pointermove', (event) => this.move(event));
		listen('pointerup', (event) => this.up(event));
		listen('pointercancel', (event) => this.up(event));
		listen('wheel', (event) => {
			event.preventDefault();
			this.to(this.scale * Math.exp(-event.deltaY / 300), event.clientX,
			    event.clientY);
		}, { passive: false });
		this.reset();
	}

	destroy()
	{
		this.stop.abort();
	}

	reset()
	{
		this.scale = 1;
		this.x = 0;
		this.y = 0;
		this.apply();
	}

	apply(smooth = false)
	{
		const s = this.picture.style;

		s.setProperty('transition', smooth ? 'transform 0.2s' : 'none');
		s.setProperty('transform',
		    `translate(${this.x}px, ${this.y}px) scale(${this.scale})`);
		this.stage.classList.toggle('zoomed', this.scale > 1);
	}

	/* Zooms so that the point under (cx, cy) stays where it is. */
	to(scale, cx, cy, smooth)
	{
		const box = this.stage.getBoundingClientRect();
		const px = (cx ?? box.left + box.width / 2) - box.left - box.width / 2;
		const py = (cy ?? box.top + box.height / 2) - box.top - box.height / 2;
		const next = Math.min(MOST, Math.max(1, scale));
		const ratio = next / this.scale;

		this.x = px - (px - this.x) * ratio;
		this.y = py - (py - this.y) * ratio;
		this.scale = next;
		this.bound();
		this.apply(smooth);
		this.onzoom?.(next);
	}

	/* The picture's edges stay outside of the stage; where it is smaller, its middle stays. */
	bound()
	{
		const limit = (v, picture, stage) => {
			const half = Math.max(0, (picture * this.scale - stage) / 2);

			return Math.min(half, Math.max(-half, v));
		};

		this.x = limit(this.x, this.picture.offsetWidth, this.stage.clientWidth);
		this.y = limit(this.y, this.picture.offsetHeight, this.stage.clientHeight);
	}

	spread()
	{
		const [a, b] = [...this.points.values()];

		return { distance: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2,
		    y: (a.y + b.y) / 2 };
	}

	down(event)
	{
		if (event.button || event.target.closest('button, input, a, .player-bar'))
			return;
		this.stage.setPointerCapture(event.pointerId);
		this.points.set(event.pointerId, { x: event.clientX, y: event.clientY });
		if (this.points.size === 1)
			this.start = { x: event.clientX, y: event.clientY, at: event.timeStamp,
			    px: this.x, py: this.y, pinched: false };
		else if (this.points.size === 2)
			Object.assign(this.start ?? (this.start = {}), { pinched: true,
			    pinch: this.spread(), scale: this.scale });
	}

	move(event)
	{
		if (!this.points.has(event.pointerId))
			return;
		this.points.set(event.pointerId, { x: event.clientX, y: event.clientY });
		if (this.points.size === 2) {
			const now = this.spread();
			this.to(this.start.scale * (now.distance / this.start.pinch.distance),
			    now.x, now.y);
			return;
		}
		if (this.start.pinched)
			return;
		this.x = this.start.px + event.clientX - this.start.x;
		this.y = this.start.py + event.clientY - this.start.y;
		if (this.scale > 1)
			this.bound();
		else if (Math.abs(this.x) > Math.abs(this.y))
			this.y = 0;
		else
			this.x = 0;
		this.apply();
	}

	up(event)
	{
		if (!this.points.delete(event.pointerId) || this.points.size)
			return;
		const dx = event.clientX - this.start.x;
		const dy = event.clientY - this.start.y;
		const ms = Math.max(1, event.timeStamp - this.start.at);
		const quick = (d) => Math.abs(d) > SWIPE ||
		    (Math.abs(d) > 20 && Math.abs(d) / ms > SWIPE_SPEED);

		if (this.start.pinched || event.type === 'pointercancel') {
			if (this.scale === 1)
				this.settle();
		} else if (Math.hypot(dx, dy) < 8) {
			this.tap(event);
		} else if (this.scale === 1) {
			const way = Math.abs(dx) > Math.abs(dy) ?
			    (quick(dx) ? (dx < 0 ? 'left' : 'right') : null) :
			    (quick(dy) && dy > 0 ? 'down' : null);
			this.settle();
			if (way)
				this.onswipe(way);
		}
	}

	settle()
	{
		this.x = 0;
		this.y = 0;
		this.apply(true);
	}

	tap(event)
	{
		const now = event.timeStamp;

		if (now - this.tapped < DOUBLE_MS) {
			this.tapped = 0;
			this.to(this.scale > 1 ? 1 : TAP_ZOOM, event.clientX, event.clientY, true);
		} else {
			this.tapped = now;
			this.ontap?.(event);
		}
	}
}
