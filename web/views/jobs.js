/* The job queue: what waits, runs and failed; uploads that could not be read. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { ago, count, fullTime, many } from '../lib/format.js';
import { jobName, QUEUES, queueName, STATES } from '../lib/job-words.js';
import { goHere, link } from '../lib/router.js';
import { adminNav, pagedList } from '../ui/admin.js';
import { ask } from '../ui/dialog.js';
import { notice, options } from '../ui/form.js';
import { fail, toast } from '../ui/toast.js';

const PAGE = 50;
const COUNTED_MAX = 10000; /* the server counts no further */
const RETRIED_MAX = 200;   /* of one request */
const TABS = [['', 'All'], ['available', 'Waiting'], ['running', 'Running'], ['dead', 'Failed'],
    ['done', 'Done']];

const counted = (n) => (n >= COUNTED_MAX ? `${count(n)}+` : count(n));

/* Asks as often as it takes; each request does a part. Resolves with how many there were. */
async function
retryAll(path, body, n)
{
	let total = 0;

	for (let left = Math.ceil(n / RETRIED_MAX); left > 0; left--) {
		const { retried } = await api.post(path, body);

		total += retried;
		if (retried < RETRIED_MAX)
			break;
	}
	return total;
}

/* A button that tries many again: `what` says of what, after it is done `done` runs. */
function
retryButton(text, path, body, n, what, done)
{
	const button = h('button', { type: 'button', onclick: async () => {
		button.disabled = true;
		try {
			const total = await retryAll(path, body, n);

			toast(total ? `${many(total, what)} tried again` :
			    'None of them can be tried again');
			done();
		} catch (problem) {
			fail(problem);
		}
		button.disabled = false;
	} }, icon('restore'), text);

	return button;
}

function
failuresPanel(done)
{
	const place = h('div.panel-part');
	const node = h('section.panel', { 'aria-label': 'Could not be read', hidden: true },
	    h('h2', null, 'Could not be read'), place);
	const row = (group) => h('li.line.alert-row', { 'data-failure': group.code },
	    h('span.pill.bad', null, count(group.count)),
	    h('span.grow', null, h('strong', null, group.message), h('small', null,
		group.example ? ['Such as ', h('a', { href:
		    link('jobs', { item: group.example.mediaId }) }, group.example.title)] :
		    group.code)),
	    retryButton('Try again', '/admin/failures/retry', { code: group.code }, group.count,
		'file', () => {
			load();
			done();
		}));
	const load = async () => {
		try {
			const { items } = await api.get('/admin/failures', null, { patient: true });
			const all = items.reduce((sum, one) => sum + one.count, 0);

			node.hidden = !items.length;
			fill(place, h('ul.rows', null, items.map(row)), items.length > 1 ?
			    h('div.buttons', null, retryButton('Try all again',
				'/admin/failures/retry', {}, all, 'file', () => {
					load();
					done();
				})) : null);
		} catch (problem) {
			node.hidden = false;
			fill(place, notice(problem, load));
		}
	};

	return { load, node };
}

function
deadPanel(done)
{
	const list = h('ul.rows');
	const node = h('section.panel', { 'aria-label': 'Failed for good', hidden: true },
	    h('h2', null, 'Failed for good'),
	    h('p', null, 'All attempts of these jobs are used up.'), list);

	return { node, show: (kinds) => {
		node.hidden = !kinds.length;
		fill(list, kinds.map(({ kind, count: n }) => h('li.line.alert-row',
		    { 'data-kind': kind },
		    h('span.pill.bad', null, counted(n)), h('span.grow', null,
			h('a', { href: link('jobs', { state: 'dead', kind }) },
			    h('strong', null, jobName(kind))), h('small', null, kind)),
		    retryButton('Retry all', '/admin/jobs/retry', { state: 'dead', kind }, n, 'job',
			done))));
	} };
}

function
facts(job)
{
	const fact = (name, value) => (value ? [h('dt', null, name), h('dd', null, value)] : null);
	const due = job.state === 'available';

	return h('dl.facts-list', null, fact('Last error', job.lastError),
	    fact('Attempts', `${count(job.attempt)} of ${count(job.maxAttempts)}`),
	    fact('Queue', queueName(job.queue)), fact(due ? 'Due' : 'Was due', fullTime(job.runAt)),
	    fact('Added', fullTime(job.createdAt)),
	    fact('Ended', job.finishedAt && fullTime(job.finishedAt)),
	    fact('Repeats', job.every && `every ${many(Math.max(1, Math.round(job.every / 60)),
		'minute')}`),
	    fact('Progress', job.progress && `${count(job.progress.done)} done, ${
		count(job.progress.left)} left`),
	    fact('Kind', job.kind), fact('Request', job.requestId), fact('Job', job.id));
}

function
row(first, changed)
{
	let job = first;
	const details = h('details');
	const item = h('li', { 'data-job': first.id }, details);
	const retry = async ({ currentTarget: button }) => {
		button.disabled = true;
		try {
			job = await api.post(`/admin/jobs/${job.id}/retry`);
			toast('The job is tried again');
			draw();
			changed();
		} catch (problem) {
			button.disabled = false;
			fail(problem);
		}
	};
	const discard = async () => {
		if (!(await ask({ title: 'Discard this job?',
		    text: `“${jobName(job.kind)}” will not be done.`, yes: 'Discard',
		    danger: true })))
			return;
		try {
			await api.delete(`/admin/jobs/${job.id}`);
			item.remove();
			toast('Job discarded');
			changed();
		} catch (problem) {
			fail(problem);
		}
	};
	const draw = () => {
		const [word, tone] = STATES[job.state] ?? [job.state, 'plain'];
		const over = job.finishedAt && job.state !== 'available';
		const time = over ? job.finishedAt : job.runAt;

		fill(details, h('summary', null,
		    h('span.grow', null, h('strong', null, jobName(job.kind)),
			h('small.clipped', null, job.lastError ?? queueName(job.queue))),
		    job.every ? h('span.pill', null, 'Repeats') : null,
		    h(`span.pill.${tone}`, null, word),
		    h('time', { datetime: time, title: fullTime(time) },
			Date.parse(time) > Date.now() ? `due ${ago(time)}` : ago(time))),
		h('div.inside', null, facts(job), h('div.buttons', null,
		    ['available', 'dead'].includes(job.state) ? h('button.primary',
			{ type: 'button', onclick: retry },
			job.state === 'dead' ? 'Try again' : 'Run now') : null,
		    job.state !== 'running' && !job.every ? h('button', { type: 'button',
			onclick: discard }, icon('trash'), 'Discard') : null)));
	};

	draw();
	return item;
}

export function
mount(root, first)
{
	let params = first;
	const failures = failuresPanel(() => show());
	const dead = deadPanel(() => show());
	const tabs = TABS.map(([value, text]) => h('button', { type: 'button', 'data-state': value,
	    onclick: () => goHere({ state: value || null }) }, text, ' ', h('span.muted')));
	const list = pagedList({ path: '/admin/jobs', limit: PAGE, none: 'No jobs',
	    row: (job) => row(job, () => {}), seen: ({ counts, deadKinds }) => {
		    dead.show(params.state === 'dead' && params.kind ? [] : deadKinds);
		    tabs.forEach((tab) => {
			    const n = counts[tab.dataset.state];

			    tab.lastChild.textContent = n === undefined ? '' : counted(n);
		    });
	    } });
	const queue = h('select', { onchange: ({ target }) =>
	    goHere({ queue: target.value || null }) },
	options([['', 'All'], ...Object.entries(QUEUES)], params.queue ?? ''));
	const kind = h('p.chips');
	const show = () => {
		tabs.forEach((tab) => tab.setAttribute('aria-pressed',
		    String(tab.dataset.state === (params.state ?? ''))));
		queue.value = params.queue ?? '';
		fill(kind, params.kind ? h('button.chip.on', { type: 'button',
		    'aria-label': `Only ${jobName(params.kind)}: remove this filter`,
		    onclick: () => goHere({ kind: null }) }, jobName(params.kind), icon('close')) :
		    null);
		kind.hidden = !params.kind;
		list.show({ state: params.state, kind: params.kind, queue: params.queue });
	};

	fill(root, adminNav('jobs'), h('div.toolbar', null, h('h1', null, 'Jobs'),
	    h('button', { type: 'button', onclick: () => {
		    failures.load();
		    show();
	    } }, icon('restore'), 'Refresh')),
	h('div.panels', null, failures.node, dead.node),
	h('div.filters', null, h('div.segments.scroll', { role: 'group', 'aria-label': 'State' },
	    tabs), h('label', null, 'Queue', queue)), kind, list.node);
	failures.load();
	show();
	return {
		update(next) {
			const { item, ...rest } = next;
			const same = ['state', 'kind', 'queue'].every((k) => rest[k] === params[k]);

			params = rest;
			if (!same)
				show();
		},
		unmount() {},
	};
}
