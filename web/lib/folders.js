/*
 * Albums of the folders that files were picked with, if the person wants them: each item goes into
 * its folder's album once the server has it, also after a reload (the lines are kept until then)
 * and when the bytes were there already. The server has one album of a folder (`folder`), so a
 * folder that comes again adds to it.
 */
import { emit, on } from './bus.js';
import { create, STEP } from './collections.js';
import { me } from './session.js';

const WISH = 'medianest.folder-albums';
const GATHER_MS = 400;
const AGAIN_MS = 10000;
const TITLE_MAX = 200;
const SPACE = ' / ';
const THERE = ['processing', 'ready', 'duplicate'];

const waiting = new Set();
let timer = 0;
let busy = false;
let change = () => {};

export const wanted = () => localStorage.getItem(WISH) === '1';
export const waitsForAlbum = (u) => Boolean(u.album && !u.filed);

/* 'A / B'; of a long path its end. */
export function
titleOf(path)
{
	const parts = path.split('/').filter(Boolean);
	let title = parts.join(SPACE);

	while ([...title].length > TITLE_MAX && parts.length > 1) {
		parts.shift();
		title = `…${SPACE}${parts.join(SPACE)}`;
	}
	return [...title].slice(0, TITLE_MAX).join('');
}

function
done(list, fields)
{
	list.forEach((u) => {
		waiting.delete(u);
		change(u, { filed: true, ...fields });
	});
}

/* Those of one folder. */
async function
file(path, list)
{
	try {
		await create({ title: titleOf(path), folder: path,
		    items: list.map(({ mediaId }) => mediaId) }, { patient: true, again: true });
		done(list);
	} catch (problem) {
		/* None of them is there any more, or the album takes no more. */
		if ([400, 403, 409].includes(problem.status))
			done(list, { albumProblem: problem.status === 400 ? null :
			    problem.message });
		else
			later(AGAIN_MS);
	}
}

function
later(ms)
{
	timer ||= setTimeout(fileAll, ms);
}

async function
fileAll()
{
	const folders = new Map();

	timer = 0;
	if (busy) {
		later(GATHER_MS);
		return;
	}
	busy = true;
	for (const u of waiting)
		if (!u.album || u.user !== me.user?.id)
			waiting.delete(u);
		else
			folders.set(u.path, [...(folders.get(u.path) ?? []), u]);
	for (const [path, list] of folders)
		for (let at = 0; at < list.length; at += STEP)
			await file(path, list.slice(at, at + STEP));
	busy = false;
}

function
consider(u)
{
	if (!waitsForAlbum(u) || !u.mediaId || !THERE.includes(u.state) || waiting.has(u))
		return;
	waiting.add(u);
	later(GATHER_MS);
}

/* set(u, fields) changes a line of the tray. */
export function
start(set)
{
	change = set;
	on('uploads', ({ upload }) => upload && consider(upload));
}

/* From now on, and for what the tray holds. */
export function
want(yes, lines)
{
	localStorage.setItem(WISH, yes ? '1' : '0');
	for (const u of lines)
		if (u.path && !u.filed)
			change(u, { album: yes });
	emit('uploads', {});
}
