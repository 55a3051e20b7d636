/* The uploads in a corner: a line for each file and one for all of them. */
import { emit, on } from '../lib/bus.js';
import { fill, h, icon, iconButton } from '../lib/dom.js';
import { bytes, count, many, stepName } from '../lib/format.js';
import { known, reprocess } from '../lib/media.js';
import { link } from '../lib/router.js';
import * as up from '../lib/uploads.js';
import { fail } from './toast.js';

const LINES = 60; /* more are counted, not drawn */
const RANK = ['failed', 'rejected', 'sending', 'finishing', 'processing', 'starting',
    'ready-to-send', 'waiting', 'duplicate', 'ready', 'cancelled'];

const percent = (u) => (u.size ? (u.sent / u.size) * 100 : 100);

function
words(u)
{
	switch (u.state) {
	case 'waiting': return u.problem ? `${u.problem.message} Retrying soon.` :
	    up.isCut() ? 'Waiting for the connection' : 'Waiting';
	case 'starting': return u.hold ?
	    `Too many uploads at once. Retrying in ${Math.ceil(u.hold / 1000)} s` : 'Starting…';
	case 'ready-to-send': return 'Waiting';
	case 'sending': return `${Math.floor(percent(u))} % of ${bytes(u.size)}`;
	case 'finishing': return 'Finishing…';
	case 'processing': return u.step ? `${stepName(u.step)}…` : 'Processing…';
	case 'ready': return 'Ready';
	case 'duplicate': return 'Already in your library';
	case 'cancelled': return 'Cancelled';
	default: return u.problem?.message ?? 'Failed';
	}
}

class Line {
	constructor(u)
	{
		this.u = u;
		this.icon = h('span.line-icon');
		this.name = h('span.line-name', { title: u.name }, u.name);
		this.text = h('small');
		this.meter = h('progress', { max: '100', 'aria-label': `${u.name}: sent` });
		this.buttons = h('span.line-buttons');
		this.node = h('li.upload-line', null, this.icon,
		    h('div.grow', null, this.name, this.text, this.meter), this.buttons);
	}

	draw()
	{
		const { u } = this;
		const text = words(u);

		if (text !== this.text.textContent)
			this.text.textContent = text;
		this.meter.hidden = u.state !== 'sending';
		this.meter.value = percent(u);
		if (this.state === u.state)
			return;
		this.state = u.state;
		this.node.dataset.state = u.state;
		fill(this.icon, icon({ ready: 'check', duplicate: 'check', failed: 'alert',
		    rejected: 'alert', processing: 'spark', cancelled: 'close' }[u.state] ??
		    'upload'));
		fill(this.buttons,
		    ['ready', 'duplicate', 'rejected'].includes(u.state) ?
			h('a.button.small',
			    { href: link('library', { item: u.mediaId }),
				'aria-label': `Show ${u.name}` },
			    'Show') : null,
		    u.state === 'failed' && u.file ?
			h('button.small',
			    { type: 'button', 'aria-label': `Try again: ${u.name}`,
				onclick: () => up.retry(u) },
			    'Try again') : null,
		    u.state === 'rejected' ?
			h('button.small',
			    { type: 'button', 'aria-label': `Try again: ${u.name}`, onclick: () =>
				reprocess(known(u.mediaId) ?? { id: u.mediaId }).catch(fail) },
			    'Try again') : null,
		    up.isOpen(u) ? iconButton('close', `Cancel ${u.name}`, () => up.cancel(u)) :
			null);
	}
}

export class Tray {
	constructor()
	{
		this.lines = new Map();
		this.open = innerWidth > 800;
		this.title = h('strong', { role: 'status' });
		this.all = h('progress.all', { max: '100', 'aria-label': 'All uploads' });
		this.list = h('ul');
		this.rest = h('p.muted');
		this.warning = h('div.store-warning', { role: 'alert', hidden: true });
		this.fold = iconButton('down', 'Collapse uploads', () => this.toggle(),
		    { 'aria-expanded': 'true' });
		this.node = h('section.tray', { 'aria-label': 'Uploads', hidden: true },
		    h('header', null, this.title, h('span.grow'), this.fold,
			this.shut = iconButton('close', 'Close uploads', () => up.clearDone())),
		    this.all, this.warning, h('div.tray-body', null, this.list, this.rest));
		this.node.classList.toggle('folded', !this.open);
		this.offs = [on('uploads', ({ upload }) => this.later(upload)), on('store-blocked',
		    () => this.later())];
	}

	destroy()
	{
		this.offs.forEach((off) => off());
		this.node.remove();
	}

	toggle()
	{
		this.open = !this.open;
		this.node.classList.toggle('folded', !this.open);
		this.fold.setAttribute('aria-expanded', String(this.open));
	}

	later()
	{
		this.frame ??= requestAnimationFrame(() => {
			this.frame = null;
			this.draw();
		});
	}

	draw()
	{
		const all = up.uploads;
		const of = (...states) => all.filter((u) => states.includes(u.state)).length;
		const open = up.openCount();
		const busy = of('processing');
		const bad = of('failed', 'rejected');
		const shown = [...all].sort((a, b) =>
		    RANK.indexOf(a.state) - RANK.indexOf(b.state) || a.id - b.id).slice(0, LINES);
		const size = all.reduce((n, u) => n + u.size, 0);
		const sent = all.reduce((n, u) => n + (up.isOpen(u) ? u.sent : u.size), 0);

		this.node.hidden = !all.length;
		emit('tray', { shown: all.length > 0 });
		this.title.textContent = open ? `Uploading ${many(open, 'file')}` : busy ?
		    `Processing ${many(busy, 'file')}` : bad ? `${many(bad, 'file')} failed` :
		    `${many(of('ready', 'duplicate'), 'file')} ready`;
		this.all.hidden = !open;
		this.all.value = size ? (sent / size) * 100 : 0;
		this.shut.hidden = open > 0 || busy > 0;
		this.warn();
		for (const [id, line] of this.lines)
			if (!shown.includes(line.u)) {
				line.node.remove();
				this.lines.delete(id);
			}
		shown.forEach((u, i) => {
			let line = this.lines.get(u.id);
			if (!line)
				this.lines.set(u.id, line = new Line(u));
			line.draw();
			if (this.list.children[i] !== line.node &&
			    !line.node.contains(document.activeElement))
				this.list.insertBefore(line.node, this.list.children[i] ?? null);
		});
		this.rest.textContent = all.length > LINES ?
		    `and ${count(all.length - LINES)} more` : '';
	}

	warn()
	{
		const origin = up.blockedOrigin;

		this.warning.hidden = !origin;
		if (origin === this.warned)
			return;
		this.warned = origin;
		fill(this.warning,
		    origin ? [h('p', null, 'Your browser can’t reach the file store at ',
			h('strong', null, new URL(origin).host),
			'. It probably doesn’t trust the store’s certificate yet.'),
		h('p', null,
		    h('a', { href: `${origin}/`, target: '_blank', rel: 'noopener' },
			'Open the file store in a new tab'),
		    ', accept the certificate, then come back here.'),
		h('button', { type: 'button', onclick: async () => {
			if (!(await up.unblock()))
				fail(new Error('The file store still can’t be reached.'));
		} }, 'Try again')] : null);
		if (origin) {
			this.open = true;
			this.node.classList.remove('folded');
		}
	}
}

/* Files from a drop, folders included. */
async function
filesOf(transfer)
{
	const entries = [...transfer.items].map((i) => i.webkitGetAsEntry?.()).filter(Boolean);
	const files = [];
	const walk = async (entry) => {
		if (entry.isFile) {
			const file = await new Promise((done) => entry.file(done,
			    () => done(null)));
			if (file && !file.name.startsWith('.'))
				files.push(file);
			return;
		}
		const reader = entry.createReader();
		for (;;) {
			const some = await new Promise((done) => reader.readEntries(done,
			    () => done([])));
			if (!some.length)
				return;
			for (const one of some)
				await walk(one);
		}
	};

	if (!entries.some((e) => e.isDirectory))
		return [...transfer.files];
	for (const entry of entries)
		await walk(entry);
	return files;
}

/*
 * Files from the picker, a drop or the clipboard are uploaded. Returns the function that ends this.
 */
export function
takeFiles()
{
	const stop = new AbortController();
	const curtain = h('div.drop-curtain', { hidden: true }, icon('upload'),
	    h('p', null, 'Drop files to upload'));
	const picker = h('input', { type: 'file', multiple: true,
	    accept: 'image/*,video/*,audio/*,.heic,.heif,.mkv,.flac,.opus', hidden: true,
	    'aria-label': 'Files to upload', id: 'picker', onchange: () => {
		up.addFiles([...picker.files]);
		picker.value = '';
	} });
	const listen = (type, fn) => addEventListener(type, fn, { signal: stop.signal });
	const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
	let depth = 0;

	listen('dragenter', (event) => {
		if (carriesFiles(event)) {
			depth++;
			curtain.hidden = false;
		}
	});
	listen('dragleave', (event) => {
		if (carriesFiles(event) && --depth <= 0)
			curtain.hidden = true;
	});
	listen('dragover', (event) => carriesFiles(event) && event.preventDefault());
	listen('drop', async (event) => {
		if (!carriesFiles(event))
			return;
		event.preventDefault();
		depth = 0;
		curtain.hidden = true;
		up.addFiles(await filesOf(event.dataTransfer));
	});
	listen('paste', (event) => {
		if (event.clipboardData?.files.length) {
			event.preventDefault();
			up.addFiles([...event.clipboardData.files]);
		}
	});
	const off = on('pick-files', () => picker.click());
	document.body.append(curtain, picker);
	return () => {
		off();
		stop.abort();
		curtain.remove();
		picker.remove();
	};
}
