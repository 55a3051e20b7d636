/*
 * Sidecars: what a program for photos (IMG_1.xmp, IMG_1.jpg.xmp) or an export of Google
 * (IMG_1.jpg.json) says of a photo, in a file of its own. Those that are picked together with their
 * photo are given to its item before the upload is complete, so that it is processed once; what was
 * there already is processed again.
 */
import { api } from './api.js';
import { on } from './bus.js';

const XMP = /\.xmp$/i;
const EXPORT = /\.(?:supplemental-metadata\.)?json$/i;
const AGAIN_MS = 5000;
const TRIES = 60;              /* while the item is being processed */
const UNREADABLE = 'Its sidecar can no longer be read.';

let change = () => {};
const busy = new Set();

export const isSidecar = (name) => XMP.test(name);
/* The name of the photo, with or without its ending. */
export const photoOf = (name) => name.replace(XMP, '');
export const stem = (name) => name.replace(/\.[^.]*$/, '');
const plain = (name) => name.normalize('NFC').toLowerCase();
export const sameName = (one, other) => plain(one) === plain(other);
const place = (path, name) => plain(`${path ?? ''}/${name}`);
export const waitsForSidecar = (u) => Boolean(u.sidecar && !u.sidecarGiven);

function
put(map, key, one)
{
	map.set(key, [...(map.get(key) ?? []), one]);
}

/*
 * files: {file, path?}; lines: what the tray has already. Returns the files without sidecars, those
 * that have one with it (`sidecar`); `late`, sidecars of lines; and `lone`, sidecars without any
 * photo. A sidecar of a stem is of all files with that stem that have none of their own.
 */
export function
pair(files, lines)
{
	const whole = new Map();
	const stems = new Map();
	const late = [];
	const lone = [];
	const media = files.filter(({ file }) => !isSidecar(file.name));
	const own = new Set();
	const inTray = new Set(lines);
	const give = (sidecar) => (one) => {
		own.add(one);
		if (inTray.has(one))
			late.push({ u: one, sidecar });
		else
			one.sidecar = sidecar;
	};

	for (const one of [...media, ...lines]) {
		const name = one.name ?? one.file.name;

		put(whole, place(one.path, name), one);
		put(stems, place(one.path, stem(name)), one);
	}
	const exports = media.filter(({ file, path }) => EXPORT.test(file.name) &&
	    whole.has(place(path, file.name.replace(EXPORT, ''))));
	for (const { file, path } of exports)
		whole.get(place(path, file.name.replace(EXPORT, ''))).forEach(give(file));
	const left = files.filter(({ file, path }) => {
		if (!isSidecar(file.name))
			return false;
		const of = whole.get(place(path, photoOf(file.name)));

		of?.forEach(give(file));
		return !of;
	});
	for (const { file, path } of left) {
		const of = stems.get(place(path, photoOf(file.name))) ?? [];

		of.filter((one) => !own.has(one)).forEach(give(file));
		if (!of.length)
			lone.push(file);
	}
	return { media: media.filter((one) => !exports.includes(one)), late, lone };
}

const passes = ({ status }) => status === 0 || status === 429 || status >= 500;

export const sendSidecar = async (id, file) => api.put(`/media/${id}/sidecar`,
    { text: await file.text() }, { patient: true });

/* False: not yet. Fails where another attempt may do better. */
async function
give(u)
{
	try {
		await sendSidecar(u.mediaId, u.sidecar);
		change(u, { sidecarGiven: true });
	} catch (problem) {
		if (problem.status !== undefined && passes(problem))
			throw problem;
		if (problem.code === 'not_processable')
			return false;
		change(u, { sidecarGiven: true,
		    sidecarProblem: problem.status ? problem.message : UNREADABLE });
	}
	return true;
}

/* Before these uploads are reported as complete. */
export async function
giveSidecars(list)
{
	for (const u of list)
		if (waitsForSidecar(u))
			await give(u);
}

async function
giveLater(u, tries = 1)
{
	busy.add(u);
	const done = await give(u).catch(() => false);

	if (!done && tries < TRIES)
		setTimeout(() => giveLater(u, tries + 1), AGAIN_MS);
	else
		busy.delete(u);
}

/* set(u, fields) changes a line of the tray. */
export function
start(set)
{
	change = set;
	on('uploads', ({ upload: u }) => u && waitsForSidecar(u) && u.mediaId && !busy.has(u) &&
	    ['ready', 'duplicate'].includes(u.state) && giveLater(u));
}
