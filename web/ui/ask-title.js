/* Finding a title in Overseerr and requesting it. */
import { api, Problem } from '../lib/api.js';
import { debounce, fill, h, icon } from '../lib/dom.js';
import { fullTime } from '../lib/format.js';
import { ask } from './dialog.js';
import { notice } from './form.js';
import { posterSkeletons } from './poster.js';
import { toast } from './toast.js';

export const OVERSEERR = '/integrations/overseerr';

const TYPING_MS = 500;
const FEWEST = 2;

/* Of titles that Overseerr knows, and of requests that were just made. */
const KNOWN = {
	pending: 'Waiting for approval', approved: 'Approved', processing: 'On its way',
	available: 'Available',
};
/* Of all others, there is something left to request. */
const CLOSED = ['pending', 'approved', 'processing', 'available'];

const episodes = (n) => (n === 1 ? '1 episode' : `${n} episodes`);

/* The seasons of a series as boxes; read() gives the chosen ones, [] for all there are. */
function
seasonBoxes(seasons, is4k)
{
	const statusOf = (season) => (is4k() ? season.status4k : season.status) ?? 'unknown';
	const open = (season) => !CLOSED.includes(statusOf(season));
	const list = h('div.seasons');
	const boxes = new Map();
	/* Specials are wanted by name only. */
	const usual = (season) => season.number > 0 && open(season);
	const checked = () => seasons.filter((season) => boxes.get(season.number)?.checked);
	const check = () => {
		const first = [...boxes.values()].find((box) => !box.disabled);
		first?.setCustomValidity(checked().length ? '' : 'Choose at least one season.');
	};
	const row = (season) => {
		const state = KNOWN[statusOf(season)];
		const box = h('input', { type: 'checkbox', value: String(season.number),
		    checked: usual(season), disabled: !open(season), onchange: check });

		boxes.set(season.number, box);
		return h('label.check', null, box, h('span.grow', null,
		    season.name || `Season ${season.number}`,
		    h('small', null, [episodes(season.episodeCount), state]
			.filter(Boolean).join(' · '))));
	};
	const draw = () => {
		boxes.clear();
		fill(list, seasons.map(row), seasons.some(open) ? null :
		    h('p.muted', null, 'All seasons have been requested or are there already.'));
		check();
	};

	draw();
	return { node: h('fieldset.choices', null, h('legend', null, 'Which seasons?'), list), draw,
	    read: () => {
		const chosen = checked().map(({ number }) => number);
		const all = seasons.filter(usual).map(({ number }) => number);

		return chosen.join() === all.join() ? [] : chosen;
	} };
}

const titleOf = (item) => api.get(`${OVERSEERR}/titles/${item.mediaType}/${item.tmdbId}`, null,
    { patient: true });

/* Of films and of series: whether this person can ask for 4K; one title of each kind says so. */
const may4k = {};
const offers4k = (item) => (may4k[item.mediaType] ??= titleOf(item).then(
    (known) => Boolean(known.is4kAvailable), () => {
	delete may4k[item.mediaType]; /* not known: another one may say */
	return false;
}));

/*
 * Resolves with what is to be requested of a title, null when the dialog is closed. What is there
 * already is asked for in 4K.
 */
async function
chooseWhat(item)
{
	const known = await titleOf(item);
	const tv = item.mediaType === 'tv';
	const there = CLOSED.includes(item.status);

	if (!tv && there && (!known.is4kAvailable || CLOSED.includes(known.status4k)))
		throw new Problem(409, { detail: 'Already requested or available in 4K.' });
	const box = known.is4kAvailable && (tv || !CLOSED.includes(known.status4k)) ?
	    h('input', { type: 'checkbox', name: 'is4k', checked: there, disabled: there && !tv,
		onchange: () => seasons?.draw() }) : null;
	const is4k = () => Boolean(box?.checked);
	const seasons = tv && known.seasons.length ? seasonBoxes(known.seasons, is4k) : null;

	return ask({ title: `Request “${item.title}”?`, yes: 'Request',
	    body: h('div.choices', null, box ? h('label.check', null, box, 'In 4K') : null,
		seasons?.node),
	    value: () => ({ seasons: seasons?.read() ?? [], is4k: is4k() }) });
}

export function
refusal(problem)
{
	if (problem.code === 'not_linked')
		return 'You cannot request titles yet: your account is not matched with an ' +
		    'Overseerr user. Link your Plex account on the account page, or ask an admin.';
	/* in the person's own time, which the server does not know */
	if (problem.code === 'quota_reached' && problem.retryAfter)
		return `Your quota is used up. ${whenAgain({ retryAt: Date.now() +
		    problem.retryAfter * 1000 })}`;
	return problem.message;
}

function
result(item, requested)
{
	const tv = item.mediaType === 'tv';
	const end = h('div.poster-end');
	const ask4k = () => h('button.small', { type: 'button',
	    'aria-label': `Request in 4K: ${item.title}`, onclick: request }, 'Request in 4K');
	const offer = () => {
		if (!CLOSED.includes(item.status)) {
			fill(end, h('button.small', { type: 'button',
			    'aria-label': `Request ${item.title}`, onclick: request }, 'Request'));
			return;
		}
		fill(end, h('span.pill.on', null, KNOWN[item.status]));
		offers4k(item).then((yes) => yes && end.append(ask4k()));
	};
	const request = async () => {
		fill(end, h('small', { role: 'status' }, 'One moment…'));
		try {
			const what = await chooseWhat(item);

			if (!what) {
				offer();
				end.querySelector('button')?.focus();
				return;
			}
			fill(end, h('small', { role: 'status' }, 'Requesting…'));
			const made = await api.post(`${OVERSEERR}/requests`, {
				mediaType: item.mediaType, tmdbId: item.tmdbId,
				...(what.seasons.length ? { seasons: what.seasons } : {}),
				...(what.is4k ? { is4k: true } : {}),
			});
			toast(`“${item.title}” requested`);
			fill(end, h('span.pill.on', null, KNOWN[made.status] ?? 'Requested'));
			requested(made);
		} catch (problem) {
			fill(end, h('small.field-error', { role: 'alert' }, refusal(problem)));
			if (problem.status === 0 || problem.status >= 500)
				end.append(h('button.small', { type: 'button', onclick: request },
				    'Try again'));
		}
	};

	offer();
	return h('li.poster', { 'data-tmdb': String(item.tmdbId) },
	    h('div.poster-art', null, item.posterUrl ?
		h('img.loaded', { src: item.posterUrl, alt: '', loading: 'lazy' }) :
		icon('film')),
	    h('strong', null, item.title),
	    h('small', null, [tv ? 'Series' : 'Film', item.year].filter(Boolean).join(' · ')), end);
}

/* The search; requested(request) is called after each one that was made. */
export function
askPanel({ q, typed, requested })
{
	const found = h('ul.posters');
	const tail = h('div');
	let turn = 0;
	const load = async (text, page, mine) => {
		const run = async () => {
			fill(tail, h('ul.posters', null, posterSkeletons(4)));
			try {
				const answer = await api.get(`${OVERSEERR}/search`,
				    { q: text, page }, { patient: true });
				if (mine !== turn)
					return;
				found.append(...answer.items.map((item) =>
				    result(item, requested)));
				fill(tail, more(answer.page, text, page, mine),
				    found.children.length ? null :
					h('p.muted', { role: 'status' },
					    `No matches for “${text}”. Try the original title.`));
			} catch (problem) {
				if (mine === turn)
					fill(tail, notice(problem, run));
			}
		};

		await run();
	};
	const more = (page, text, at, mine) => {
		return at < page.pages ? h('button', { type: 'button',
		    onclick: () => load(text, at + 1, mine) }, 'Show more') : null;
	};
	const search = () => {
		const text = input.value.trim();

		turn++;
		fill(found);
		fill(tail);
		typed(text);
		if (text.length >= FEWEST)
			load(text, 1, turn);
	};
	const soon = debounce(search, TYPING_MS);
	const input = h('input', { type: 'search', value: q ?? '', maxlength: '200',
	    placeholder: 'Find a film or series to request',
	    'aria-label': 'Find a title to request', enterkeyhint: 'search', oninput: soon });
	const node = h('section.ask', { 'aria-label': 'Request a title' },
	    h('form', { role: 'search', 'aria-label': 'Titles', onsubmit: (event) => {
		event.preventDefault();
		soon.cancel();
		search();
	} }, input), found, tail);

	if (q)
		load(q, 1, turn);
	return { node, show: (text = '') => {
		/* the address changed; while someone types it only follows */
		if (text !== input.value.trim()) {
			input.value = text;
			search();
		}
	}, stop: () => {
		turn++;
		soon.cancel();
	} };
}

export const whenAgain = (failure) => (failure?.retryAt ?
    `You can ask again after ${fullTime(failure.retryAt)}.` : null);
