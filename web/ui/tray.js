/* The uploads in a corner: a line for each file and one for all of them. */
import { emit, on } from '../lib/bus.js';
import { fill, h, icon, iconButton } from '../lib/dom.js';
import { bytes, count, dayOf, many, stepName } from '../lib/format.js';
import { accept, look, take } from '../lib/lone-sidecars.js';
import { known, reprocess } from '../lib/media.js';
import { link } from '../lib/router.js';
import { find, insist, recall, remove, takeBack } from '../lib/leftovers.js';
import { filesIn, filesOf, pickFiles } from '../lib/pick.js';
import * as up from '../lib/uploads.js';
import { FolderAlbums } from './folder-albums.js';
import { linePicture } from './line-picture.js';
import { fail } from './toast.js';

const LINES = 60; /* more are counted, not drawn */
const RANK = ['lost', 'failed', 'rejected', 'trashed', 'offered', 'strayed', 'sending', 'finishing',
    'processing', 'starting', 'checking', 'ready-to-send', 'waiting', 'seeking', 'giving', 'twin',
    'duplicate', 'ready', 'given', 'cancelled'];
const BAD = ['failed', 'rejected'];

const percent = (u) => (u.size ? (u.sent / u.size) * 100 : 100);

function
words(u)
{
	switch (u.state) {
	case 'waiting': return u.problem ? `${u.problem.message} Retrying soon.` :
	    up.isCut() ? 'Waiting for the connection' : 'Waiting';
	case 'checking': return u.hashed ?
	    `Checking for duplicates: ${Math.floor((u.hashed / u.size) * 100)} %` :
	    'Checking for duplicates…';
	case 'twin': return `The same as “${u.twin.name}”`;
	case 'trashed': return 'In your trash';
	case 'lost': return u.sent ? `Choose the file again: ${Math.floor(percent(u))} % is here` :
	    'Choose the file again to upload it';
	case 'starting': return u.hold ?
	    `Too many uploads at once. Retrying in ${Math.ceil(u.hold / 1000)} s` : 'Starting…';
	case 'ready-to-send': return 'Waiting';
	case 'sending': return `${Math.floor(percent(u))} % of ${bytes(u.size)}`;
	case 'finishing': return 'Finishing…';
	case 'processing': return u.step ? `${stepName(u.step)}…` : 'Processing…';
	case 'ready': return u.sidecarProblem ?? 'Ready';
	case 'duplicate': return u.sidecarProblem ?? 'Already in your library';
	case 'seeking': return 'Looking for its photo…';
	case 'offered': return u.offers.length > 1 ?
	    `Several photos are named “${u.offers[0].filename}”. Which one does it belong to?` :
	    `Does it belong to “${u.offers[0].filename}”?`;
	case 'giving': return 'Adding…';
	case 'given': return 'Added to its photo';
	case 'strayed': return 'No photo here has this name';
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
		const state = `${u.state} ${u.hopeless ?? ''}`;
		if (this.state === state)
			return;
		this.state = state;
		this.node.dataset.state = u.state;
		this.picture ??= linePicture(u);
		fill(this.icon, this.picture, icon({ ready: 'check', duplicate: 'check',
		    failed: 'alert', rejected: 'alert', lost: 'file', trashed: 'trash',
		    processing: 'spark', cancelled: 'close' }[u.state] ?? 'upload'));
		fill(this.buttons, this.acts());
	}

	/* What is hopeless can only go. */
	acts()
	{
		const { u } = this;
		const act = (text, fn) => h('button.small', { type: 'button',
		    'aria-label': `${text}: ${u.name}`, onclick: fn }, text);
		const bad = BAD.includes(u.state);

		return [
			(['ready', 'duplicate'].includes(u.state) && u.mediaId) ||
			    (u.state === 'rejected' && u.hopeless === false) ?
			    h('a.button.small', { href: link('library', { item: u.mediaId }),
				'aria-label': `Show ${u.name}` }, 'Show') : null,
			u.state === 'failed' && !u.hopeless && !u.beside ?
			    act('Try again', () => up.retry(u)) : null,
			u.state === 'rejected' && u.hopeless === false ?
			    act('Try again', () => reprocess(known(u.mediaId) ??
				{ id: u.mediaId }).catch(fail)) : null,
			...(u.state === 'offered' ? u.offers.map((item) => act(u.offers.length > 1 ?
			    `Add to ${dayOf(item.takenAt ?? item.createdAt)}` : 'Add to photo',
			() => accept(u, item).catch(fail))) : []),
			u.beside && ['failed', 'strayed'].includes(u.state) ?
			    act('Look again', () => look(u)) : null,
			u.state === 'trashed' ?
			    act('Restore', () => takeBack(u).catch(fail)) : null,
			u.state === 'trashed' && u.file ?
			    act('Add a copy', () => insist(u)) : null,
			(bad && u.hopeless) || u.state === 'lost' ||
			    (u.beside && u.state !== 'giving') ?
			    act('Remove', () => remove(u)) : null,
			up.isOpen(u) ?
			    iconButton('close', `Cancel ${u.name}`, () => up.cancel(u)) : null,
		];
	}
}

/* What became of all of them: '55 added, 5 could not be read'. */
function
summary(of)
{
	return [
		[of('ready'), 'added'],
		[of('duplicate'), 'already in your library'],
		[of('trashed'), 'in your trash'],
		[of('rejected'), 'could not be read'],
		[of('failed'), 'not uploaded'],
		[of('given'), 'added', 'sidecar'],
		[of('offered'), 'to assign', 'sidecar'],
		[of('strayed'), 'without a photo', 'sidecar'],
	].filter(([n]) => n).map(([n, what, noun]) =>
		`${noun ? many(n, noun) : count(n)} ${what}`).join(', ') || 'Nothing uploaded';
}

export class Tray {
	constructor(mayUpload)
	{
		this.lines = new Map();
		this.open = innerWidth > 800;
		this.title = h('strong', { role: 'status' });
		this.all = h('progress.all', { max: '100', 'aria-label': 'All uploads' });
		this.list = h('ul');
		this.rest = h('p.muted');
		this.warning = h('div.store-warning', { role: 'alert', hidden: true });
		this.left = h('div.store-warning', { hidden: true },
		    this.leftText = h('p'),
		    this.leftAct = h('button',
			{ type: 'button', onclick: () => this.goOn() }));
		this.albums = new FolderAlbums();
		this.fold = iconButton('down', 'Collapse uploads', () => this.toggle(),
		    { 'aria-expanded': 'true' });
		this.node = h('section.tray', { 'aria-label': 'Uploads', hidden: true },
		    h('header', null, this.title, h('span.grow'), this.fold,
			this.shut = iconButton('close', 'Close uploads', () => up.clearDone())),
		    this.all, this.warning, this.left, this.albums.node,
		    h('div.tray-body', null, this.list, this.rest));
		this.node.classList.toggle('folded', !this.open);
		if (mayUpload)
			recall();
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
		const lost = of('lost');
		const shown = [...all].sort((a, b) =>
		    RANK.indexOf(a.state) - RANK.indexOf(b.state) || a.id - b.id).slice(0, LINES);
		const size = all.reduce((n, u) => n + u.size, 0);
		const sent = all.reduce((n, u) => n + (up.isOpen(u) ? u.sent : u.size), 0);

		this.node.hidden = !all.length;
		emit('tray', { shown: all.length > 0 });
		this.title.textContent = open ? `Uploading ${many(open, 'file')}` : busy ?
		    `Processing ${many(busy, 'file')}` : lost ?
		    `${many(lost, 'unfinished upload')}` : summary(of);
		this.all.hidden = !open;
		this.all.value = size ? (sent / size) * 100 : 0;
		this.shut.hidden = open > 0 || busy > 0 || lost > 0;
		this.left.hidden = !lost;
		this.leftAct.textContent = lost === 1 ? 'Choose the file' : 'Choose the files';
		this.leftText.textContent = lost === 1 ?
		    'An upload was interrupted. Choose its file again, and it goes on.' :
		    `${count(lost)} uploads were interrupted. ` +
		    'Choose their files again, and they go on.';
		this.warn();
		this.albums.draw();
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

	/* Those whose files the browser may open again do so; then the others are picked. */
	async goOn()
	{
		const lost = up.uploads.filter((u) => u.state === 'lost');

		for (const u of lost.filter(({ handle }) => handle))
			await find(u, true).catch(fail);
		if (lost.some((u) => u.state === 'lost' && !u.handle))
			emit('pick-files');
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
	    accept: 'image/*,video/*,audio/*,.heic,.heif,.mkv,.flac,.opus,.xmp', hidden: true,
	    'aria-label': 'Files to upload', id: 'picker', onchange: () => {
		take(filesIn(picker));
		picker.value = '';
	} });
	const folder = h('input', { type: 'file', webkitdirectory: true, hidden: true,
	    'aria-label': 'Folder to upload', id: 'folder-picker', onchange: () => {
		take(filesIn(folder));
		folder.value = '';
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
		take(await filesOf(event.dataTransfer));
	});
	listen('paste', (event) => {
		if (event.clipboardData?.files.length) {
			event.preventDefault();
			up.addFiles([...event.clipboardData.files].map((file) => ({ file,
			    pasted: true })));
		}
	});
	const offs = [on('pick-files', async () => take(await pickFiles(picker))),
	    on('pick-folder', () => folder.click())];
	document.body.append(curtain, picker, folder);
	return () => {
		offs.forEach((off) => off());
		stop.abort();
		[curtain, picker, folder].forEach((node) => node.remove());
	};
}
