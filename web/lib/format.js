/* Numbers, times and words in the person's own locale. */
import { mediaKind } from './kinds.js';

const plurals = new Intl.PluralRules('en');
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const number = new Intl.NumberFormat();
const month = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export const count = (n) => number.format(n);
/* many(1, 'photo') -> '1 photo'; many(3, 'copy', 'copies') -> '3 copies' */
export const many = (n, one, other = `${one}s`) =>
    `${number.format(n)} ${plurals.select(n) === 'one' ? one : other}`;

export const monthOf = (iso) => month.format(new Date(iso));
export const dayOf = (iso) => day.format(new Date(iso));
export const fullTime = (iso) => full.format(new Date(iso));
export const clockTime = (iso) => time.format(new Date(iso));

export function
ago(iso)
{
	const seconds = (new Date(iso) - Date.now()) / 1000;
	const steps = [['year', 31557600], ['month', 2629800], ['week', 604800], ['day', 86400],
	    ['hour', 3600], ['minute', 60]];

	for (const [unit, size] of steps)
		if (Math.abs(seconds) >= size)
			return relative.format(Math.trunc(seconds / size), unit);
	return 'just now';
}

/* Until then: '1 day' */
export const daysTo = (iso) => many(Math.max(0, Math.ceil((new Date(iso) - Date.now()) /
    86400000)), 'day');
export const daysLeft = (iso) => `${daysTo(iso)} left`;

export function
bytes(n)
{
	const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
	let i = 0;

	for (; n >= 1000 && i < units.length - 1; i++)
		n /= 1000;
	return new Intl.NumberFormat(undefined, {
		style: 'unit', unit: units[i], unitDisplay: i ? 'short' : 'long',
		maximumFractionDigits: n < 10 && i ? 1 : 0,
	}).format(n);
}

/* 75 000 -> '1:15' */
export function
duration(ms)
{
	const s = Math.max(0, Math.round(ms / 1000));
	const two = (n) => String(n).padStart(2, '0');
	const hours = Math.trunc(s / 3600);
	const minutes = Math.trunc(s / 60) % 60;

	return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/* For <input type="datetime-local">, which knows neither zones nor seconds. */
export function
localInput(iso)
{
	const d = new Date(iso);

	return new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

export const kindName = (kind) => mediaKind(kind).word;

const STEPS = {
	upload: 'Uploaded', queue: 'Waiting in the queue', fetch: 'Reading the file',
	inspect: 'Checking the file', thumbnails: 'Making thumbnails',
	preview: 'Making a preview', store: 'Storing the results', publish: 'Finishing',
};

export const stepName = (step) => STEPS[step] ?? step;

const BROWSERS = [[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'],
    [/Chrome\/|Chromium\//, 'Chrome'], [/Version\/.*Safari\//, 'Safari']];
const SYSTEMS = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Mac OS X/, 'macOS'],
    [/Windows/, 'Windows'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']];

/* 'Firefox on Linux'; an agent that names no browser is returned as it is. */
export function
deviceName(agent)
{
	const of = (table) => table.find(([pattern]) => pattern.test(agent))?.[1];
	const browser = of(BROWSERS);

	return browser ? `${browser}${of(SYSTEMS) ? ` on ${of(SYSTEMS)}` : ''}` :
	    agent || 'Unknown device';
}
