/*
 * Which upload a large file belongs to. What has arrived of it stays in the store until the upload
 * expires, so a file that is added again, after a reload or a failure, goes on where it stopped.
 */
import { api } from './api.js';
import { me } from './session.js';

const KEY = 'medianest.parts';

const nameOf = (file) => JSON.stringify([me.user?.id, file.name, file.size, file.lastModified]);

function
read()
{
	try {
		return JSON.parse(localStorage.getItem(KEY)) ?? {};
	} catch {
		return {};
	}
}

function
write(all)
{
	for (const [name, { until }] of Object.entries(all))
		if (!(until > Date.now()))
			delete all[name];
	try {
		localStorage.setItem(KEY, JSON.stringify(all));
	} catch {
		/* full or not allowed: the file cannot go on after a reload, that is all */
	}
}

export function
keep(file, { uploadId, expiresAt })
{
	write({ ...read(), [nameOf(file)]: { uploadId, until: Date.parse(expiresAt) } });
}

export function
drop(uploadId)
{
	write(Object.fromEntries(Object.entries(read()).filter(([, one]) =>
	    one.uploadId !== uploadId)));
}

/* The file's open upload with the parts that have arrived, or null. */
export async function
resume(file, isTaken)
{
	const id = read()[nameOf(file)]?.uploadId;

	if (!id || isTaken(id))
		return null;
	try {
		const upload = await api.get(`/media/upload/${id}`, null, { patient: true });

		if (upload.status === 'pending' && upload.multipart)
			return upload;
	} catch (problem) {
		if (problem.status !== 404)
			throw problem;
	}
	drop(id);
	return null;
}
