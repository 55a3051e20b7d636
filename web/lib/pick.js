/*
 * Files that a person picks or drops, as {file, path?, handle?}: `path` are the folders they came
 * in, `handle` leads back to the file after a reload, where the browser has such.
 */

const hidden = (name) => name.startsWith('.');

async function
inFolder(handle, path, files)
{
	for await (const one of handle.values()) {
		if (hidden(one.name))
			continue;
		if (one.kind === 'directory')
			await inFolder(one, `${path}/${one.name}`, files);
		else
			files.push({ file: await one.getFile(), handle: one, path });
	}
}

async function
inEntry(entry, path, files)
{
	if (hidden(entry.name))
		return;
	if (entry.isFile) {
		const file = await new Promise((done) => entry.file(done, () => done(null)));
		if (file)
			files.push({ file, path });
		return;
	}
	const reader = entry.createReader();
	const within = path ? `${path}/${entry.name}` : entry.name;
	for (;;) {
		const some = await new Promise((done) => reader.readEntries(done, () => done([])));
		if (!some.length)
			return;
		for (const one of some)
			await inEntry(one, within, files);
	}
}

/* What was dropped, folders included. The items must be asked before the event is over. */
export async function
filesOf(transfer)
{
	const plain = [...transfer.files].map((file) => ({ file }));
	const entries = [...transfer.items].map((i) => i.webkitGetAsEntry?.()).filter(Boolean);
	const asked = [...transfer.items].map((i) => i.getAsFileSystemHandle?.());
	const handles = await Promise.all(asked).catch(() => []);
	const files = [];

	if (handles.length && handles.every(Boolean)) {
		for (const handle of handles)
			if (handle.kind === 'directory')
				await inFolder(handle, handle.name, files);
			else
				files.push({ file: await handle.getFile(), handle });
		return files;
	}
	if (!entries.some((entry) => entry.isDirectory))
		return plain;
	for (const entry of entries)
		await inEntry(entry, '', files);
	return files;
}

/* What an input holds; a folder's files say where they lay. */
export const filesIn = (input) => [...input.files].filter(({ name }) => !input.webkitdirectory ||
    !hidden(name)).map((file) => ({ file,
	path: file.webkitRelativePath.split('/').slice(0, -1).join('/') || undefined }));

/*
 * Opens the browser's picker: its newer one, which gives handles, or that of the input. Resolves
 * with what was picked; an input tells by its change event.
 */
export async function
pickFiles(input)
{
	if (!window.showOpenFilePicker) {
		input.click();
		return [];
	}
	try {
		const handles = await showOpenFilePicker({ multiple: true });

		return await Promise.all(handles.map(async (handle) => ({ handle,
		    file: await handle.getFile() })));
	} catch (error) {
		if (error.name !== 'AbortError')
			input.click();
		return [];
	}
}
