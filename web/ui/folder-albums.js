/* In the tray: whether the folders that files came in become albums, and which did. */
import * as folders from '../lib/folders.js';
import { fill, h } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { link } from '../lib/router.js';
import * as up from '../lib/uploads.js';

export class FolderAlbums {
	constructor()
	{
		this.box = h('input', { type: 'checkbox',
		    onchange: () => folders.want(this.box.checked, up.uploads) });
		this.words = h('small', { role: 'status' });
		this.node = h('div.folder-albums', { hidden: true },
		    h('label.check', null, this.box, 'Make albums of the folders'), this.words);
		this.told = '';
	}

	draw()
	{
		const lines = up.uploads.filter(({ path }) => path);
		const filed = lines.filter((u) => u.album && u.filed);
		const problem = filed.find(({ albumProblem }) => albumProblem)?.albumProblem;
		const n = new Set(filed.filter((u) => !u.albumProblem)
		    .map(({ path }) => path)).size;
		const told = `${n} ${problem ?? ''}`;

		this.node.hidden = !lines.length;
		if (!lines.length)
			return;
		if (document.activeElement !== this.box)
			this.box.checked = lines.some((u) => u.album);
		/* What is in its album stays there. */
		this.box.disabled = lines.length > 0 && lines.every((u) => u.filed);
		if (told === this.told)
			return;
		this.told = told;
		fill(this.words,
		    n ? h('a', { href: link('albums') }, `In ${many(n, 'album')}`) : null,
		    problem ? ` ${problem}` : null);
	}
}
