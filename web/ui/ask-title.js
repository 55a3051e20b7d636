/* Finding a title in Overseerr and requesting it. */
import { api } from '../lib/api.js';
import { debounce, fill, h, icon } from '../lib/dom.js';
import { fullTime } from '../lib/format.js';
import { ask } from './dialog.js';
import { notice } from './form.js';
import { posterSkeletons } from './poster.js';
import { toast } from './toast.js';

export const OVERSEERR = '/integrations/overseerr';

const TYPING_MS = 500;
const FEWEST = 2;
const SEASONS_TEXT_MAX = '60';

/* Of titles that Overseerr knows, and of requests that were just made. */
const KNOWN = {
	pending: 'Waiting for approval', approved: 'Approved', processing: 'On its way',
	available: 'Available',
};
/* Of all others, there is something left to request. */
const CLOSED = ['pending', 'approved', 'processing', 'available'];

/* '1, 3-5' -> [1, 3, 4, 5]; null where it is not a list of numbers */
export function
seasonsOf(text)
{
	const found = new Set();

	for (const part of text.split(',').map((one) => one.trim()).filter(Boolean)) {
		const [, from, to = from] = /^(\d{1,3})(?:\s*[-–]\s*(\d{1,3}))?$/.exec(part) ?? [];

		if (!from || Number(to) < Number(from))
			return null;
		for (let n = Number(from); n <= Number(to); n++)
			found.add(n);
	}
	return found.size ? [...found].sort((a, b) => a - b) : null;
}

/* Resolves with the seasons, [] for all of them, null when the dialog is closed. */
async function
chooseSeasons(title)
{
	const number = h('input', { type: 'text', inputmode: 'numeric', maxlength: SEASONS_TEXT_MAX,
	    placeholder: '1, 3-5', 'aria-label': 'Seasons', disabled: true,
	    pattern: '\\s*\\d{1,3}(\\s*[,\\-–]\\s*\\d{1,3})*\\s*', required: true });
	const radio = (value, checked) => h('input', { type: 'radio', name: 'seasons', value,
	    checked, onchange: ({ target }) => {
		number.disabled = target.value === 'all';
		if (!number.disabled)
			number.focus();
	} });
	const choice = await ask({ title: `Request “${title}”?`, yes: 'Request',
	    body: h('fieldset.choices', null, h('legend', null, 'Which seasons?'),
		h('label.check', null, radio('all', true), 'All seasons'),
		h('label.check', null, radio('some'), 'Only these:'), number),
	    value: () => (number.disabled ? [] : seasonsOf(number.value)) });

	return choice;
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
	const offer = () => fill(end, h('button.small', { type: 'button',
	    'aria-label': `Request ${item.title}`, onclick: request }, 'Request'));
	const request = async () => {
		const seasons = tv ? await chooseSeasons(item.title) : await ask({
			title: `Request “${item.title}”?`, yes: 'Request' }) && [];

		if (!seasons)
			return;
		fill(end, h('small', null, 'Requesting…'));
		try {
			const made = await api.post(`${OVERSEERR}/requests`, {
				mediaType: item.mediaType, tmdbId: item.tmdbId,
				...(seasons.length ? { seasons } : {}),
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

	if (CLOSED.includes(item.status))
		fill(end, h('span.pill.on', null, KNOWN[item.status]));
	else
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
