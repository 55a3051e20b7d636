/* What was picked goes into the tray; sidecars without their photo look for it in the library. */
import { api } from './api.js';
import { me } from './session.js';
import { isSidecar, pair, photoOf, sameName, sendSidecar, stem } from './sidecars.js';
import { addFiles, line, set, uploads } from './uploads.js';

const FOUND_MAX = 3; /* offered */
const GONE = ['failed', 'rejected', 'cancelled'];

/* The person's own photos of that name: the whole one, or without its ending. */
async function
photosOf(name)
{
	const { items } = await api.get('/search', { q: `"${name.replaceAll('"', ' ')}"`,
	    owner: me.user?.id, source: 'upload' }, { patient: true });
	const own = items.filter((item) => item.filename && item.source === 'upload' &&
	    item.ownerId === me.user?.id && item.status === 'ready');
	const exact = own.filter(({ filename }) => sameName(filename, name));

	return exact.length ? exact : own.filter(({ filename }) => sameName(stem(filename), name));
}

export async function
look(u)
{
	set(u, { state: 'seeking', problem: null });
	try {
		const offers = (await photosOf(photoOf(u.name))).slice(0, FOUND_MAX);

		set(u, offers.length ? { state: 'offered', offers } : { state: 'strayed' });
	} catch (problem) {
		set(u, { state: 'failed', problem });
	}
}

export async function
accept(u, item)
{
	set(u, { state: 'giving' });
	try {
		await sendSidecar(item.id, u.beside);
		set(u, { state: 'given', mediaId: item.id });
	} catch (problem) {
		set(u, { state: 'offered' });
		throw problem;
	}
}

/* Files, or {file, path?, handle?, pasted?}. */
export function
take(files)
{
	const all = files.map((one) => (one instanceof File ? { file: one } : one));
	/* Most of the time there is none, and nothing to compare with ten thousand lines. */
	const any = all.some(({ file }) => isSidecar(file.name) || file.name.endsWith('.json'));
	const lines = any ? uploads.filter((u) => !u.beside && !GONE.includes(u.state)) : [];
	const { media, late, lone } = any ? pair(all, lines) : { media: all, late: [], lone: [] };

	late.forEach(({ u, sidecar }) => set(u, { sidecar, sidecarGiven: false }));
	addFiles(media);
	for (const beside of lone) {
		const u = line({ key: crypto.randomUUID(), user: me.user?.id, at: Date.now(),
		    name: beside.name, size: beside.size, type: '', beside });

		uploads.push(u);
		look(u);
	}
}
