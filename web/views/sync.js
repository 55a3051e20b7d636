/* The report of one sync. */
import { onReturn } from '../lib/again.js';
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, count, fullTime, many } from '../lib/format.js';
import { link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { ask } from '../ui/dialog.js';
import { notice } from '../ui/form.js';
import { SERVERS } from '../ui/server-form.js';
import {
	changes, COUNTS, lasted, PHASES, runPill, TRIGGERS,
} from '../ui/sync-words.js';
import { fail, toast } from '../ui/toast.js';

const SYNCS = '/integrations/plex/syncs';

const counted = (counts) => COUNTS.map(([name, text]) => h('div', null, h('dt', null, text),
    h('dd', null, count(counts?.[name] ?? 0))));

const sectionName = (run, key) => run.sections?.find((one) => String(one.key) === String(key))
    ?.title;

/* What stopped the run, and what would happen if it went on. */
const HALTS = {
	section_shrank: (what, { missing, total }) => [
		`${count(missing)} of ${many(total, 'item')} of ${what} ` +
		    'are no longer on the server.',
		'A disk may be missing there. Check the server first.'],
	section_vanished: (what, { total }) => [
		`${what} with ${many(total, 'item')} is no longer on the server.`,
		'The library was deleted there, or the server has not loaded it yet.'],
	section_trashed: (what, { total }) => [
		`All ${many(total, 'item')} of ${what} are in Plex’s own trash.`,
		'That happens when the disk with the files is not there.'],
};

async function
goOn(run, gone, done)
{
	if (!(await ask({ title: `Remove ${many(gone, 'item')}?`,
	    text: 'They move to trash and stay there for a while. If they come back on the ' +
		'server, they are restored with tags and edits.',
	    yes: 'Go on and remove', danger: true })))
		return;
	try {
		await api.post(`${SYNCS}/${run.id}/continue`, undefined, { again: true });
		toast('The sync goes on');
		done();
	} catch (problem) {
		fail(problem);
	}
}

function
haltPanel(run, done)
{
	const { halt } = run;
	const name = sectionName(run, halt.section) ?? halt.title;
	const what = name ? `“${name}”` : 'A library';
	const [fact, why] = HALTS[halt.reason]?.(what, halt) ?? ['This sync was stopped.', ''];
	const gone = halt.missing || halt.total || 0;

	return h('section.panel.question', { 'aria-label': 'Why it stopped' },
	    h('h2', null, `${what} was left as it is`), h('p', null, fact), h('p', null, why),
	    run.canContinue && can('integrations.configure') ? [
		h('p', null, `If you are sure that they are gone, go on: ${many(gone, 'item')} ` +
		    'move to trash. Otherwise do nothing; the next sync looks again.'),
		h('div.buttons', null, h('button', { type: 'button',
		    onclick: () => goOn(run, gone, done) }, `Go on and remove ${
		    many(gone, 'item')}`))] : run.canContinue ?
		h('p', null, 'An admin can decide whether the sync goes on.') :
		h('p', null, 'This is settled: the sync went on, or a later one found the ' +
		    'items again. The next report says which.'));
}

/* The states of the run, up to the one that it reached. */
function
phases(run)
{
	const names = Object.keys(PHASES);
	const at = names.indexOf(run.phase);
	const over = run.status === 'ok' || run.status === 'partial';
	const stateOf = (i) => (over || i < at ? 'done' : i > at ? 'later' :
	    run.status === 'running' ? 'now' : 'failed');
	const glyph = { done: 'check', now: 'clock', failed: 'alert' };
	const spoken = { done: 'done', now: 'now', failed: 'stopped here', later: 'not reached' };

	return h('ol.phases', null, names.map((name, i) => {
		const state = stateOf(i);

		return h(`li.${state}`, { 'aria-current': state === 'now' ? 'step' : null },
		    glyph[state] ? icon(glyph[state]) : h('span.dot'),
		    h('span', null, PHASES[name], h('span.unseen', null, `, ${spoken[state]}`)));
	}));
}

function
sectionRow(section)
{
	return h('li', null, h('details', null, h('summary', null,
	    h('span.grow', null, h('strong', null, section.title),
		h('small', null, changes(section.counts))), runPill(section.status)),
	h('div.inside', null, h('dl.counts', null, counted(section.counts)))));
}

function
errorRow(one)
{
	return h('li.line', null, h('div.grow', null,
	    h('strong', null, one.title || (one.key ? `Item ${one.key}` : 'Unknown item')),
	    h('span', null, one.message),
	    h('small', null, [one.code, one.key].filter(Boolean).join(' · '))));
}

export function
mount(root, first)
{
	let params = first;
	let run = null;
	let name = null;
	const place = h('div');
	const draw = () => {
		const facts = [
			`Started ${fullTime(run.startedAt)}`, TRIGGERS[run.trigger] ?? run.trigger,
			run.durationMs ? `took ${lasted(run.durationMs)}` : null,
			run.full ? 'every item read again' : null,
			run.dryRun ? 'dry run: nothing was changed' : null,
		].filter(Boolean).join(' · ');
		const { errors = [], counts = {} } = run;

		fill(place, h('div.toolbar', null,
		    h('h1', null, name ? `Sync of ${name}` : 'Sync', ' ', runPill(run.status)),
		    run.status === 'running' ? h('button', { type: 'button', onclick: load },
			'Refresh') : null),
		h('p.muted', null, facts),
		h('div.panels', null, run.halt ? haltPanel(run, load) : null,
		    run.error ? h('div.said.bad', null, icon('alert'), h('div.grow', null,
			h('p', null, run.error.message), h('small', null, run.error.code))) : null,
		    h('section.panel', { 'aria-label': 'Counts' }, h('h2', null, 'Counts'),
			h('dl.counts', null, counted(counts))),
		    run.sections?.length ? h('section', { 'aria-label': 'Libraries' },
			h('h2', null, 'Libraries'), h('ul.board', null,
			    run.sections.map(sectionRow))) : null,
		    errors.length ? h('section.panel', { 'aria-label': 'Errors' },
			h('h2', null, many(counts.errors ?? errors.length, 'error')),
			counts.errors > errors.length ? h('p', null,
			    `The first ${count(errors.length)} are shown.`) : null,
			h('ul.rows', null, errors.map(errorRow))) : null,
		    h('section.panel', { 'aria-label': 'Phases' }, h('h2', null, 'Phases'),
			phases(run))));
		document.title = `${name ? `Sync of ${name}` : 'Sync'}, ${
		    ago(run.startedAt)} · MediaNest`;
	};
	const load = async () => {
		if (!run)
			fill(place, h('div.panels', null, h('div.skeleton.line')));
		try {
			run = await api.get(`${SYNCS}/${params.id}`, null, { patient: true });
			/* the report is worth showing without the name of its server */
			const server = run.serverId ?
			    await api.get(`${SERVERS}/${run.serverId}`).catch(() => null) : null;
			name = server?.name ?? run.serverName ?? null;
			draw();
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};
	const offs = [
		on('resync', load),
		onReturn(() => run?.status === 'running' && load()),
		on('server-event', ({ type }) => /^sync\./.test(type) &&
		    run?.status === 'running' && load()),
	];

	fill(root, h('p.crumb', null, h('a', { href: link('integrations') }, icon('left'),
	    'Integrations')), place);
	load();
	return {
		title: () => (name ? `Sync of ${name}` : 'Sync'),
		update(next) {
			const same = next.id === params.id;
			params = next;
			if (!same) {
				run = null;
				load();
			}
		},
		unmount() {
			offs.forEach((off) => off());
		},
	};
}
