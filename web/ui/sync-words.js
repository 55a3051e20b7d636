/* Sync runs in words, and as a strip of squares. */
import { h, icon } from '../lib/dom.js';
import { ago, count, fullTime, many } from '../lib/format.js';
import { link } from '../lib/router.js';

/* status of a run, or of a library in it: [word, glyph, class] */
export const RUNS = {
	running: ['Running', 'clock', 'on'],
	ok: ['Done', 'check', 'good'],
	partial: ['Done with errors', 'info', 'warn'],
	failed: ['Failed', 'close', 'bad'],
	halted: ['Stopped', 'alert', 'warn'],
	waiting: ['Waiting', 'clock', 'on'],
	listed: ['Read', 'clock', 'on'],
	excluded: ['Left out', 'close', 'on'],
};
export const runWords = (status) => RUNS[status] ?? [status, 'info', 'on'];

/* The states of a run in their order. */
export const PHASES = {
	CheckConnection: 'Check the connection',
	AuthenticatePlex: 'Sign in to Plex',
	GetLibraries: 'Read the libraries',
	FetchSections: 'Choose the libraries',
	ProcessSection: 'Begin a library',
	GetSectionItems: 'Read its items',
	CompareWithDB: 'Compare with the catalogue',
	CreateNewItems: 'Add new items',
	UpdateExistingItems: 'Update changed items',
	MarkDeletedItems: 'Mark missing items',
	NextSection: 'Go to the next library',
	GenerateReport: 'Write the report',
	SendNotifications: 'Send notifications',
	CacheResults: 'Refresh counts',
};

export const COUNTS = [['seen', 'Seen'], ['created', 'Added'], ['updated', 'Updated'],
    ['unchanged', 'Unchanged'], ['moved', 'Moved'], ['missing', 'Missing'],
    ['deleted', 'Removed'], ['restored', 'Restored'], ['errors', 'Errors']];

export const TRIGGERS = { cron: 'on schedule', api: 'requested', manual: 'by hand',
    event: 'after an event' };

/* 12 345 ms -> '12 s' */
export function
lasted(ms)
{
	if (ms === null || ms === undefined)
		return '';
	const s = Math.round(ms / 1000);

	return s < 1 ? 'under 1 s' : s < 60 ? `${s} s` : s < 3600 ?
	    `${Math.trunc(s / 60)} min ${s % 60} s` :
	    `${Math.trunc(s / 3600)} h ${Math.trunc(s / 60) % 60} min`;
}

/* What a run changed, in one line: '3 added, 1 removed'. */
export function
changes(counts = {})
{
	const said = ['created', 'updated', 'moved', 'deleted', 'restored'].filter((name) =>
	    counts[name]).map((name) =>
	    `${count(counts[name])} ${COUNTS.find(([one]) => one === name)[1].toLowerCase()}`);

	if (counts.errors)
		said.push(many(counts.errors, 'error'));
	return said.join(', ') || 'nothing changed';
}

export const runPill = (status) => h(`span.pill.${runWords(status)[2]}`, null,
    runWords(status)[0]);

/* runs: newest first; the strip reads from old to new. names: server id -> name */
export function
strip(runs, names = new Map())
{
	return h('ol.strip', { 'aria-label': 'Sync runs, oldest first' },
	    [...runs].reverse().map((run) => {
		const [word, glyph, tone] = runWords(run.status);
		const whose = names.get(run.serverId);
		const label = [whose && `${whose}:`, `${word},`, `${ago(run.startedAt)},`,
		    changes(run.counts)].filter(Boolean).join(' ');

		return h('li', null, h(`a.${tone}`, { href: link('sync', { id: run.id }),
		    'aria-label': label,
		    title: `${label}\n${fullTime(run.startedAt)}` }, icon(glyph)));
	}));
}
