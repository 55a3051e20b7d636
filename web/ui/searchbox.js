/* The search box: a combobox with suggestions as you type; `/` focuses it. */
import { api } from '../lib/api.js';
import { on } from '../lib/bus.js';
import { debounce, fill, h, icon, iconButton, typing } from '../lib/dom.js';
import { kindName } from '../lib/format.js';
import { go, goHere, here } from '../lib/router.js';
import { scopeOf } from './scope.js';

const SUGGEST_MS = 140;
const SEARCH_MS = 500;   /* a pause after which the search itself runs: searches are limited */
const FEWEST = 2;
const RECENT = 'medianest.searches';
const RECENT_MAX = 6;
const SHOWN_MAX = 6;
const KINDS = { recent: 'searched before', word: 'word', tag: 'tag' };

function
recent()
{
	try {
		return JSON.parse(localStorage.getItem(RECENT)) ?? [];
	} catch {
		return [];
	}
}

export function
keepRecent(q)
{
	if (q.length >= FEWEST)
		localStorage.setItem(RECENT,
		    JSON.stringify([q, ...recent().filter((r) => r !== q)].slice(0, RECENT_MAX)));
}

export const forgetRecent = () => localStorage.removeItem(RECENT);

/* What a suggestion is, in a word. */
const whatIs = ({ kind, mediaId, mediaKind }) => (mediaId ?
    kindName(mediaKind) : KINDS[kind] ?? kind);

export class SearchBox {
	constructor()
	{
		this.input = h('input', {
			type: 'search', role: 'combobox', 'aria-expanded': 'false',
			'aria-controls': 'suggestions', 'aria-autocomplete': 'list',
			'aria-label': 'Search',
			placeholder: 'Search your media', autocomplete: 'off',
			autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'search',
			maxlength: '200',
			oninput: () => this.typed(), onkeydown: (event) => this.key(event),
			onfocus: () => this.offer(), onblur: () => setTimeout(() => this.shut(),
			    150),
		});
		this.list = h('ul.suggestions', { id: 'suggestions', role: 'listbox',
		    'aria-label': 'Suggestions', hidden: true });
		this.clearButton = iconButton('close', 'Clear search', () => this.clear(),
		    { hidden: true });
		this.node = h('form.search-box', { role: 'search', onsubmit: (event) => {
			event.preventDefault();
			this.run(this.input.value, false);
			this.input.blur();
		} }, icon('search'), this.input, this.clearButton,
		    h('kbd', { 'aria-hidden': 'true' }, '/'), this.list);
		this.active = -1;
		this.suggestSoon = debounce(() => this.suggest(), SUGGEST_MS);
		this.searchSoon = debounce(() => this.run(this.input.value, true), SEARCH_MS);
		this.onslash = (event) => {
			if (event.key === '/' && !typing(event.target) &&
			    !document.querySelector('dialog[open], .lightbox')) {
				event.preventDefault();
				this.input.focus();
				this.input.select();
			}
		};
		addEventListener('keydown', this.onslash);
		this.off = on('searched', ({ q }) => this.follow(q));
	}

	destroy()
	{
		removeEventListener('keydown', this.onslash);
		this.off();
		this.suggestSoon.cancel();
		this.searchSoon.cancel();
	}

	/* The search changed: the box shows its words. */
	follow(q)
	{
		if (document.activeElement !== this.input)
			this.input.value = q;
		this.clearButton.hidden = !this.input.value;
	}

	clear()
	{
		this.input.value = '';
		this.typed();
		this.input.focus();
		if (here().name === 'search')
			goHere({ q: null });
	}

	typed()
	{
		const q = this.input.value.trim();

		this.clearButton.hidden = !q;
		this.offer();
		this.suggestSoon();
		this.searchSoon.cancel();
		if (q.length >= FEWEST)
			this.searchSoon();
	}

	/* soft: while typing; the address is replaced instead of filling the history. */
	run(q, soft)
	{
		const at = here();

		this.searchSoon.cancel();
		q = q.trim();
		if (!soft) {
			this.suggestSoon.cancel();
			this.stop?.abort();
			this.shut();
			keepRecent(q);
		}
		if (at.name === 'search')
			goHere({ q, item: null }, { replace: soft });
		else if (q)
			go('search', { q });
	}

	async suggest()
	{
		const q = this.input.value.trim();

		this.stop?.abort();
		if (q.length < FEWEST)
			return;
		this.stop = new AbortController();
		try {
			const { items } = await api.get('/search/suggest',
			    { q, scope: scopeOf(here().params) },
			    { signal: this.stop.signal });
			if (this.input.value.trim() === q && document.activeElement === this.input)
				this.show(items.slice(0, SHOWN_MAX));
		} catch {
			/* The search itself says what is wrong. */
		}
	}

	/* Before anything is typed: recent searches. */
	offer()
	{
		if (!this.input.value.trim())
			this.show(recent().map((text) => ({ text, kind: 'recent' })));
	}

	show(items)
	{
		this.items = items;
		this.active = -1;
		fill(this.list, items.map((item, i) => h('li', {
			role: 'option', id: `s-${i}`, 'aria-selected': 'false',
			onpointerdown: (event) => {
				event.preventDefault();
				this.choose(item);
			},
		},
		icon(item.kind === 'recent' ? 'clock' : item.mediaId ? 'photos' :
		    item.kind === 'tag' ? 'tag' : 'search'),
		h('span', null, item.text), h('small', null, whatIs(item)))));
		this.list.hidden = !items.length;
		this.input.setAttribute('aria-expanded', String(items.length > 0));
		this.input.removeAttribute('aria-activedescendant');
		this.room();
	}

	shut()
	{
		this.list.hidden = true;
		this.input.setAttribute('aria-expanded', 'false');
		this.room();
	}

	/* Results begin below the list: what hangs over them would hide the best ones. */
	room()
	{
		document.documentElement.style.setProperty('--suggestions',
		    `${this.list.offsetHeight}px`);
	}

	choose(item)
	{
		this.input.value = item.kind === 'tag' ? '' : item.text;
		this.shut();
		this.suggestSoon.cancel();
		this.searchSoon.cancel();
		if (item.kind === 'tag')
			go('search', { tag: item.text });
		else if (item.mediaId)
			go('search', { q: item.text, item: item.mediaId });
		else
			this.run(item.text, false);
	}

	key(event)
	{
		const n = this.list.hidden ? 0 : this.items.length;

		if (event.key === 'Escape') {
			if (n)
				this.shut();
			else
				this.input.blur();
			event.preventDefault();
		} else if (event.key === 'Enter' && this.active >= 0 && n) {
			event.preventDefault();
			this.choose(this.items[this.active]);
		} else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && n) {
			event.preventDefault();
			this.list.children[this.active]?.setAttribute('aria-selected', 'false');
			this.active = (this.active +
			    (event.key === 'ArrowDown' ? 1 : this.active < 0 ? 0 : -1) + n) %
			    n;
			this.list.children[this.active].setAttribute('aria-selected', 'true');
			this.input.setAttribute('aria-activedescendant', `s-${this.active}`);
		}
	}
}
