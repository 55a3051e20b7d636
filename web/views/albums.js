/* Albums: one's own and those that others share. */
import { collections, create } from '../lib/collections.js';
import { on } from '../lib/bus.js';
import { fill, h, icon } from '../lib/dom.js';
import { many } from '../lib/format.js';
import { thumbnail } from '../lib/media.js';
import { go, link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { ask } from '../ui/dialog.js';
import { notice } from '../ui/form.js';
import { showPicture } from '../ui/picture.js';
import { ruleFields } from '../ui/rule.js';
import { fail } from '../ui/toast.js';

const CARD_WIDTH = 260;

function
card(c)
{
	const glyph = icon(c.kind === 'rule' ? 'spark' : 'album');
	const art = h('div.poster-art.square', null, glyph);
	const find = () => thumbnail({ thumbnails: c.thumbnails }, CARD_WIDTH);
	const line = [many(c.count, 'item'), c.ownerName && `by ${c.ownerName}`,
	    c.shared?.length ? `shared with ${many(c.shared.length, 'person', 'people')}` : null];

	if (find()) {
		const image = h('img', { alt: '', decoding: 'async', loading: 'lazy',
		    onload: () => glyph.remove() });
		art.append(image);
		showPicture(image, c.coverId, find);
	}
	return h('li.poster', { 'data-id': c.id },
	    h('a', { href: link('album', { id: c.id }) }, art, h('strong', null, c.title),
		h('small', null, line.filter(Boolean).join(' · '))));
}

async function
make(kind)
{
	const title = h('input', { type: 'text', required: true, maxlength: '200',
	    'aria-label': 'Title', placeholder: 'Title' });
	const fields = kind === 'rule' ? ruleFields({}) : null;
	const wish = await ask({ title: kind === 'rule' ? 'New automatic album' : 'New album',
	    text: kind === 'rule' ? 'It holds everything that matches, now and later.' : null,
	    body: h('div.share', null, title, fields?.node), yes: 'Create',
	    value: () => ({ title: title.value.trim(), kind,
		...(fields ? { rule: fields.value() } : {}) }) });

	if (!wish)
		return;
	try {
		go('album', { id: (await create(wish)).id });
	} catch (problem) {
		fail(problem);
	}
}

export function
mount(root)
{
	const place = h('div', null);
	const load = async () => {
		if (!place.children.length)
			fill(place, h('ul.posters', null, [1, 2, 3].map(() => h('li.poster',
			    { 'aria-hidden': 'true' }, h('div.poster-art.square.skeleton')))));
		try {
			const all = await collections();
			const part = (title, list) => (list.length ? h('section.albums',
			    { 'aria-label': title }, h('h2', null, title),
			    h('ul.posters', null, list.map(card))) : null);

			fill(place, part('Your albums', all.filter(({ may }) => may === 'own')),
			    part('Shared with you', all.filter(({ may }) => may !== 'own')),
			    all.length ? null : h('div.empty', null, icon('album'),
				h('h2', null, 'No albums yet'), h('p', null, can('media.upload') ?
				    'Select items in your library, then choose “Add to album”.' :
				    'Albums that others share with you appear here.')));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};
	const offs = [
		on('resync', load),
		on('server-event', ({ type }) => type.startsWith('collection.') && load()),
	];

	fill(root, h('div.toolbar', null, h('h1', null, 'Albums'), can('media.upload') ?
	    h('div.parts', null,
		h('a.button', { href: link('links') }, icon('link'), 'Public links'),
		h('button', { type: 'button', onclick: () => make('rule') }, icon('spark'),
		    'Automatic album'),
		h('button.primary', { type: 'button', onclick: () => make('album') },
		    icon('plus'), 'New album')) : null), place);
	load();
	return {
		update() {},
		unmount: () => offs.forEach((off) => off()),
	};
}
