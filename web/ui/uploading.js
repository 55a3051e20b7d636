/*
 * Uploads. Their code comes when somebody is about to upload, or when an earlier page may have left
 * some. What is chosen, dropped or pasted until it is there is then dropped once more.
 */
import { Problem } from '../lib/api.js';
import { emit, on } from '../lib/bus.js';
import { h } from '../lib/dom.js';
import { fail, toast } from './toast.js';

/* Unfinished uploads are kept in IndexedDB: where there is none, nothing was left. */
const mayHaveLeft = async () => !indexedDB.databases ||
    (await indexedDB.databases().catch(() => [null])).length > 0;

export class Uploading {
	constructor()
	{
		this.stop = new AbortController();
		this.node = h('div', { hidden: true }); /* where the tray will stand */
		this.picker = h('input', { type: 'file', multiple: true, hidden: true, id: 'picker',
		    'aria-label': 'Files to upload',
		    onchange: () => this.hand([...this.picker.files]) });
		const listen = (type, fn) => addEventListener(type, fn,
		    { signal: this.stop.signal });
		const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
		const ask = (type) => on(type, () => this.reach(() => emit(type)));

		listen('dragenter', (event) => carriesFiles(event) && this.prepare());
		listen('dragover', (event) => carriesFiles(event) && event.preventDefault());
		listen('drop', (event) => carriesFiles(event) && this.dropped(event));
		listen('paste', (event) => {
			if (event.clipboardData?.files.length) {
				event.preventDefault();
				this.hand([...event.clipboardData.files]);
			}
		});
		this.offs = [ask('pick-files'), ask('pick-folder'),
			on('uploads', () => this.prepare())];
		document.body.append(this.picker);
		mayHaveLeft().then((may) => may && this.prepare());
	}

	destroy()
	{
		this.dead = true;
		this.hush();
		this.end?.();
		this.tray?.destroy();
		this.up?.abandon();
	}

	/* From now on the tray listens. */
	hush()
	{
		this.stop.abort();
		this.offs.forEach((off) => off());
		this.picker.remove();
	}

	/* Resolves with whether the code is there. */
	async load()
	{
		const parts = await Promise.all([import('./tray.js'),
			import('../lib/uploads.js')]).catch(() => null);

		if (parts && !this.dead && !this.tray)
			this.arrange(...parts);
		return Boolean(parts);
	}

	arrange({ takeFiles, Tray }, up)
	{
		this.hush();
		this.up = up;
		this.tray = new Tray(true);
		this.node.replaceWith(this.tray.node);
		this.end = takeFiles();
		this.tray.later();
	}

	/* Somebody is about to upload. */
	prepare()
	{
		if (!this.tray)
			this.load();
	}

	/* Runs fn once the code is there. */
	async reach(fn)
	{
		if (!(await this.load()))
			fail(new Problem(0));
		else if (!this.dead)
			fn();
	}

	hand(files)
	{
		this.reach(() => {
			const dataTransfer = new DataTransfer();

			files.forEach((file) => dataTransfer.items.add(file));
			dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }));
		});
	}

	dropped(event)
	{
		const items = [...event.dataTransfer.items];
		const files = items.filter((one) => !one.webkitGetAsEntry?.()?.isDirectory)
		    .map((one) => one.getAsFile()).filter(Boolean);

		event.preventDefault();
		if (files.length < items.length)
			toast('Folders can be dropped in a moment. Drop them again.');
		if (files.length)
			this.hand(files);
	}

	openCount()
	{
		return this.up?.openCount() ?? 0;
	}
}
