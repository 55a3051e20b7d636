/*
 * When something was taken, as the clock on the wall said it there: not in the zone of this
 * browser, so a photo of half past midnight stays one of that day wherever it is looked at.
 */
const format = (options) => new Intl.DateTimeFormat(undefined, { ...options, timeZone: 'UTC' });
const day = format({ dateStyle: 'long' });
const full = format({ dateStyle: 'long', timeStyle: 'short' });
const added = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });

const SOURCES = {
	exif: 'from the camera', gps: 'from the satellites’ time', xmp: 'from the file’s metadata',
	iptc: 'from the file’s metadata', container: 'from the video', sidecar: 'from its sidecar',
	name: 'from the file’s name', modified: 'when the file was last changed',
	uploaded: 'when it was uploaded', person: 'set by hand',
};

/* As a Date of UTC that reads the same; null: nobody knows. */
export const wallClock = (item) => (item.takenAtLocal ? new Date(`${item.takenAtLocal}Z`) : null);

/* The day it was taken, or added. */
export const wallDay = (item) => (item.takenAtLocal ? day.format(wallClock(item)) :
    item.createdAt ? added.format(new Date(item.takenAt ?? item.createdAt)) : '');

/* 330 -> 'UTC+5:30' */
export function
offsetName(minutes)
{
	const all = Math.abs(minutes);
	const rest = all % 60 ? `:${String(all % 60).padStart(2, '0')}` : '';

	return `UTC${minutes < 0 ? '−' : '+'}${Math.trunc(all / 60)}${rest}`;
}

export const wallTime = (item) => full.format(wallClock(item));

/* 'UTC+2 · from the camera' */
export const takenHow = (item) => [
	Number.isInteger(item.takenAtOffset) ? offsetName(item.takenAtOffset) : null,
	SOURCES[item.takenAtSource],
].filter(Boolean).join(' · ');

/* For <input type="datetime-local">, and back; what it does not show stays as it was. */
export const wallInput = (item) => item.takenAtLocal?.slice(0, 16) ?? '';
export const wallValue = (value, item) => (item.takenAtLocal?.startsWith(value) ?
    item.takenAtLocal : value.length === 16 ? `${value}:00` : value.slice(0, 19));
