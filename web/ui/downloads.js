/*
 * Archives of many items: asked for here, made by the server, and shown in a corner until the
 * browser has them. They outlive the page: the next one lists what there is.
 */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { announce, fill, h, icon, iconButton } from '../lib/dom.js';
import { bytes, count, many } from '../lib/format.js';
import { fileUrl } from '../lib/media.js';
import { fail, toast } from './toast.js';

const PATH = '/media/downloads';
const KEPT = 'medianest.downloads'; /* app.js looks there for those of an earlier page */
const ITEMS_MAX = 10000;    /* as the API takes them */
const LIST_MAX = 100;
const ASK_MS = 4000;        /* events may be missed */

const list = new Map();     /* id -> the archive as it was last seen */
const started = new Set();  /* by this page: the browser's download begins by itself */
let panel = null;
let timer = 0;

const isOpen = ({ status }) => status === 'waiting' || status === 'running';

function
fetchFile(url, name)
{
	const anchor = h('a', { href: url, download: name });

	document.body.append(anchor);
	anchor.click();
	anchor.remove();
}

const save = async (d) => {
	try {
		const fresh = await api.get(`${PATH}/${d.id}`);
		fetchFile(fresh.url, `${fresh.title}.zip`);
	} catch (problem) {
		if (!outdated(d, problem))
			fail(problem, 'Not downloaded.');
	}
};

/* Made again, of what the person can have now. */
const again = async (d) => {
	if (await begin({ downloadId: d.id }).catch((problem) => fail(problem)))
		remove(d);
};

async function
remove(download)
{
	try {
		await api.delete(`${PATH}/${download.id}`);
	} catch (problem) {
		if (problem.status !== 404) {
			fail(problem);
			return;
		}
	}
	gone(download.id);
}

function
words(d)
{
	const left = d.leftOut ? `, ${many(d.leftOut, 'item')} left out` : '';

	switch (d.status) {
	case 'waiting': return `${many(d.items, 'item')}: waiting`;
	case 'running': return `${many(d.items, 'item')}: ${d.progress} %`;
	case 'ready': return `${bytes(d.size)}${left}`;
	default: return d.failure?.message ?? 'Failed';
	}
}

class Line {
	constructor(d)
	{
		this.text = h('small');
		this.meter = h('progress', { max: '100', 'aria-label': `${d.title}: ready` });
		this.mark = h('span.line-icon');
		this.buttons = h('span.line-buttons');
		this.more = h('div');
		this.node = h('li.upload-line', null, this.mark,
		    h('div.grow', null, h('span.line-name', { title: d.title }, d.title), this.text,
			this.meter, this.more), this.buttons);
	}

	draw(d)
	{
		this.text.textContent = words(d);
		this.meter.hidden = !isOpen(d);
		this.meter.value = d.progress;
		if (this.status === d.status)
			return;
		this.status = d.status;
		fill(this.mark, icon({ ready: 'check', failed: 'alert' }[d.status] ?? 'download'));
		fill(this.more, d.status === 'failed' ? h('button.small', { type: 'button',
		    'aria-label': `Make it again: ${d.title}`, onclick: () => again(d) },
		'Make it again') : null);
		fill(this.buttons,
		    d.status === 'ready' ? iconButton('download', `Download ${d.title}`,
			() => save(d)) : null,
		    iconButton(isOpen(d) ? 'close' : 'trash',
			`${isOpen(d) ? 'Cancel' : 'Remove'} ${d.title}`, () => remove(d)));
	}
}

/* Closed, it comes again with the next archive; what is being made goes on. */
class Panel {
	constructor()
	{
		this.lines = new Map();
		this.title = h('strong', { role: 'status' });
		this.rows = h('ul');
		this.node = h('section.tray.downloads', { 'aria-label': 'Downloads' },
		    h('header', null, this.title, h('span.grow'),
			iconButton('close', 'Close downloads', () => this.close())),
		    h('div.tray-body', null, this.rows));
		document.body.append(this.node);
	}

	close()
	{
		this.node.remove();
		panel = null;
	}

	draw()
	{
		const open = [...list.values()].filter(isOpen).length;

		this.title.textContent = open ? `Preparing ${many(open, 'download')}` : 'Downloads';
		for (const [id, line] of this.lines)
			if (!list.has(id)) {
				line.node.remove();
				this.lines.delete(id);
			}
		for (const d of list.values()) {
			if (!this.lines.has(d.id)) {
				this.lines.set(d.id, new Line(d));
				this.rows.prepend(this.lines.get(d.id).node);
			}
			this.lines.get(d.id).draw(d);
		}
	}
}

function
draw()
{
	if (list.size)
		localStorage.setItem(KEPT, 'some');
	else
		localStorage.removeItem(KEPT);
	if (!list.size)
		panel?.close();
	panel?.draw();
	clearTimeout(timer);
	if ([...list.values()].some(isOpen))
		timer = setTimeout(askAll, ASK_MS);
}

function
gone(id)
{
	list.delete(id);
	started.delete(id);
	draw();
}

/* It holds what the person may not have any more. */
function
outdated(d, { status, message })
{
	if (status !== 410)
		return false;
	list.set(d.id, { ...d, status: 'failed', url: null, failure: { message } });
	show();
	draw();
	announce(message);
	return true;
}

/* What the server says of one; tells when it has ended. */
function
took(d)
{
	const before = list.get(d.id);

	list.set(d.id, d);
	if (before && isOpen(before) && !isOpen(d)) {
		announce(d.status === 'ready' ? `${d.title} is ready` : `${d.title} failed`);
		if (d.status === 'ready' && started.delete(d.id))
			fetchFile(d.url, `${d.title}.zip`);
		else if (!panel)
			toast(d.status === 'ready' ? `“${d.title}” is ready` :
			    `“${d.title}” could not be made`, { action: 'Show', onaction: show });
		if (d.status === 'ready' && d.leftOut)
			toast(`${many(d.leftOut, 'item')} left out. “Left out.txt” says why.`);
	}
	draw();
}

async function
askOne(id)
{
	try {
		took(await api.get(`${PATH}/${id}`, null, { patient: true }));
	} catch (problem) {
		if (problem.status === 404)
			gone(id);
		else if (!list.has(id) || !outdated(list.get(id), problem))
			draw();
	}
}

const askAll = () => Promise.all([...list.values()].filter(isOpen).map(({ id }) => askOne(id)));

function
show()
{
	panel ??= new Panel();
	panel.draw();
}

/* All that the person has, as after a reload. */
export async function
recall()
{
	try {
		const answer = await api.get(PATH, { limit: LIST_MAX }, { patient: true });
		answer.items.reverse().forEach((d) => list.set(d.id, d));
	} catch {
		return; /* the next page asks again */
	}
	draw();
	if (list.size)
		show();
}

async function
begin(wish)
{
	const d = await api.post(PATH, wish);

	started.add(d.id);
	if (!list.size)
		await recall();
	list.set(d.id, d);
	show();
	draw();
	announce(`Preparing the download of ${many(d.items, 'item')}`);
	return true;
}

/* Resolves with whether it was begun. */
export async function
downloadMany(items)
{
	try {
		if (items.length === 1) {
			fetchFile(await fileUrl(items[0].id, true),
			    items[0].filename ?? items[0].title);
			return true;
		}
		if (items.length > ITEMS_MAX) {
			toast(`A download holds up to ${count(ITEMS_MAX)} items. Select fewer.`,
			    { tone: 'bad' });
			return false;
		}
		return await begin({ ids: items.map(({ id }) => id) });
	} catch (problem) {
		fail(problem, 'Not downloaded.');
		return false;
	}
}

export const downloadAlbum = ({ id }) => begin({ collectionId: id })
    .catch((problem) => fail(problem, 'Not downloaded.'));

on('server-event', ({ type, data }) => {
	const id = data?.downloadId;
	const d = list.get(id);

	if (!id || !type.startsWith('download.'))
		return;
	if (type === 'download.removed')
		gone(id);
	else if (type === 'download.progress' && d && isOpen(d))
		took({ ...d, status: 'running', progress: data.progress });
	else if (type !== 'download.progress' && (d || list.size))
		askOne(id);
});
on('resync', askAll);
on('session', ({ user }) => {
	if (user)
		return;
	list.clear();
	started.clear();
	panel?.close();
	clearTimeout(timer);
});
