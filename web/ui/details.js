/* The panel beside an item: editable fields, facts about the file, processing history. */
import { Problem } from '../lib/api.js';
import { announce, fill, h, icon, iconButton } from '../lib/dom.js';
import { bytes, clockTime, count, dayOf, duration, fullTime, stepName } from '../lib/format.js';
import { patch, reprocess, setTags, timeline } from '../lib/media.js';
import { placeText } from '../lib/places.js';
import { link } from '../lib/router.js';
import { can, mayEdit, me } from '../lib/session.js';
import { takenHow, wallInput, wallTime, wallValue } from '../lib/wall-clock.js';
import { tagField } from './actions.js';
import { chapterList, lyrics, numbered } from './chapters.js';
import { fail } from './toast.js';

const VISIBILITY = [
	['private', 'lock', 'Only me'], ['house', 'house', 'Everyone here'],
];
const OF_ANOTHER = [['private', 'lock', 'Only the owner'], VISIBILITY[1]];

/* What there is of these facts, in one line. */
const listed = (...facts) => facts.filter(Boolean).join(' · ');

/* What cameras and encoders write, the most wanted first. */
const FACTS = [
	['Camera', ({ camera: c }) => c &&
	    [c.make, c.model].filter(Boolean).join(' ').replace(/^(\S+) \1/i, '$1')],
	['Lens', (m) => m.lens ?? m.camera?.lens],
	['Exposure', ({ exposure: e }) => e && listed(
	    e.time && `${e.time}${/s$/.test(e.time) ? '' : '\u00a0s'}`,
	    e.aperture && `f/${e.aperture}`, e.focalLength && `${e.focalLength}\u00a0mm`,
	    e.iso && `ISO\u00a0${e.iso}`)],
	['Artist', (m) => m.artist],
	['Album artist', (m) => m.albumArtist !== m.artist && m.albumArtist],
	['Album', (m) => m.album], ['Composer', (m) => m.composer],
	['Disc', (m) => numbered(m.disc, m.discTotal)],
	['Track', (m) => numbered(m.track, m.trackTotal)], ['Genre', (m) => m.genre],
	['Video', (m) => listed(m.videoCodec, m.fps && `${count(Math.round(m.fps))} frames/s`,
	    m.hdr && 'HDR', m.coloursUnknown && 'Dolby Vision, shown in grey')],
	['Audio', (m) => listed(m.audioCodec,
	    m.sampleRate && `${count(m.sampleRate / 1000)} kHz`)],
	['Bit rate', (m) => m.bitrate && `${count(Math.round(m.bitrate / 1000))} kbit/s`],
];

const dimensions = ({ kind, width, height }) => `${count(width)} × ${count(height)}` +
    (kind === 'image' ? ` · ${(width * height / 1e6).toFixed(1)} MP` : '');

export class Details {
	constructor(onclose)
	{
		this.body = h('div.details-body');
		this.node = h('aside.details', { 'aria-label': 'Details' },
		    h('div.details-head', null, h('h2', null, 'Details'),
			iconButton('close', 'Close details', onclose)),
		    this.body);
	}

	destroy()
	{
		this.node.remove();
		this.item = null;
	}

	show(item)
	{
		this.item = item;
		this.editable = mayEdit(item) && item.status !== 'trashed';
		this.events = h('ol.timeline', { 'aria-busy': 'true' },
		    [1, 2, 3].map(() => h('li.skeleton.line')));
		this.people = h('ul.chips.people');
		this.tags = h('ul.chips');
		this.facts = h('dl.facts');
		this.lists = h('div');
		this.listed = null;
		this.state = h('div.details-state');
		this.how = h('small.muted', { id: 'd-date-how' });
		fill(this.body, this.state, this.editable ? this.form() : this.plain(),
		    h('h3', null, 'People'), this.people, this.editable ? this.personInput() : null,
		    h('h3', null, 'Tags'), this.tags, this.editable ? this.tagInput() : null,
		    h('h3', null, 'File'), this.facts, this.lists,
		    h('h3', null, 'Processing history'),
		    this.events);
		this.node.scrollTop = 0;
		this.changed();
		this.history();
	}

	/* The item changed: updates everything but the field that is being edited. */
	changed()
	{
		const { item } = this;

		if (!item)
			return;
		this.drawTags();
		this.drawFacts();
		this.drawState();
		for (const [field, value] of [[this.title, item.title],
		    [this.date, wallInput(item)]])
			if (field && field !== document.activeElement &&
			    !field.hasAttribute('aria-invalid'))
				field.value = value;
		fill(this.how, item.takenAtLocal ? takenHow(item) : '');
		this.radios?.forEach((radio) => {
			radio.checked = radio.value === item.visibility;
		});
		if (this.drawnStatus !== item.status)
			this.history();
	}

	plain()
	{
		const { item } = this;

		return h('div', null, h('p.big-title', null, item.title),
		    item.takenAtLocal ? h('p', null, wallTime(item)) : null, this.how,
		    item.overview ? h('p', null, item.overview) : null);
	}

	form()
	{
		const { item } = this;
		const wrong = (name) => h('small.field-error', { id: `d-${name}-wrong`,
		    role: 'alert', hidden: true });
		const tell = (field, text) => {
			const place = field.nextElementSibling;

			place.hidden = !text;
			place.textContent = text;
			field.toggleAttribute('aria-invalid', Boolean(text));
		};
		const save = (name, field, value, mayBeNone) => async () => {
			const none = value() === null && !mayBeNone;

			tell(field, none ? `Must not be empty. It is still “${item[name]}”.` :
			    field.validationMessage);
			if (!none && field.checkValidity())
				await this.save({ [name]: value() }, field);
		};

		this.title = h('input', { type: 'text', maxlength: '200', required: true,
		    id: 'd-title', 'aria-describedby': 'd-title-wrong', value: item.title });
		this.title.addEventListener('change', save('title', this.title,
		    () => this.title.value.trim() || null));
		this.date = h('input', { type: 'datetime-local', id: 'd-date',
		    'aria-describedby': 'd-date-how d-date-wrong', value: wallInput(item) });
		/* the item keeps its zone */
		this.date.addEventListener('change', () => (this.date.value ?
		    save('takenAtLocal', this.date, () => wallValue(this.date.value, item))() :
		    save('takenAt', this.date, () => null, true)()));
		this.radios = [];
		const mine = item.ownerId === me.user?.id;
		const choices = [...(mine ? VISIBILITY : OF_ANOTHER),
		    ['shared', 'people', 'Specific people']];
		return h('form', { onsubmit: (event) => {
			event.preventDefault();
			document.activeElement?.blur();
		} },
		h('label', { for: 'd-title' }, 'Title'), this.title, wrong('title'),
		h('label', { for: 'd-date' }, 'Date taken'), this.date, this.how, wrong('date'),
		h('fieldset.segments', null, h('legend', null, 'Who can see this'),
		    choices.map(([value, name, text]) => {
			const radio = h('input', { type: 'radio', name: 'visibility', value,
			    onchange: () => (value === 'shared' ? this.share() :
				this.save({ visibility: value })) });
			radio.addEventListener('click', () => value === 'shared' &&
			    item.visibility === 'shared' && this.share());
			this.radios.push(radio);
			return h('label', null, radio, icon(name), h('span', null, text));
		})),
		can('media.upload') ? h('button', { type: 'button',
		    onclick: () => this.publicLink() }, icon('link'), 'Public link') : null);
	}

	publicLink()
	{
		import('./public-link.js').then((module) => module.linkToItems([this.item]),
		    () => fail(new Problem(0)));
	}

	async share()
	{
		const { item } = this;

		await (await import('./share.js')).shareItem(item);
		if (item === this.item)
			this.changed();
	}

	async save(fields, field)
	{
		const { item } = this;

		if (Object.entries(fields).every(([k, v]) => (item[k] ?? null) === v))
			return;
		field?.setAttribute('aria-busy', 'true');
		try {
			await patch(item, fields);
			announce('Saved');
			field?.classList.add('saved');
			setTimeout(() => field?.classList.remove('saved'), 1200);
		} catch (problem) {
			fail(problem, problem.status === 412 ? undefined : 'Not saved.');
			if (item === this.item)
				this.changed();
		}
		field?.removeAttribute('aria-busy');
	}

	drawTags()
	{
		const { item } = this;

		const people = item.people ?? [];
		const others = item.tags?.filter((tag) => !people.includes(tag)) ?? [];
		const chip = (what, glyph) => (tag) => h('li.chip', null,
		    h('a', { href: link('search', { tag }) }, glyph ? icon(glyph) : null, tag),
		    this.editable ? iconButton('close', `Remove ${what} ${tag}`,
			() => this.putTags(item.tags.filter((t) => t !== tag))) : null);

		fill(this.people, people.map(chip('person', 'person')),
		    people.length || this.editable ? null : h('li.muted', null, 'No people'));
		fill(this.tags, others.map(chip('tag')),
		    others.length || this.editable ? null : h('li.muted', null, 'No tags'));
	}

	tagInput()
	{
		const { field, names } = tagField('Add a tag',
		    (words) => this.putTags([...new Set([...this.item.tags, ...words])]));

		return h('div', null, field, names);
	}

	personInput()
	{
		const { field, names } = tagField('Add a person', (words) => this.putTags(
		    this.item.tags, [...new Set([...this.item.people ?? [], ...words])]));

		return h('div', null, field, names);
	}

	async putTags(tags, people)
	{
		try {
			await setTags(this.item, tags, {}, people);
			announce('Tags saved');
		} catch (problem) {
			fail(problem, 'Not saved.');
		}
	}

	drawFacts()
	{
		const { item } = this;
		const m = item.metadata ?? {};
		const rows = [
			['Owner', item.ownerName],
			['Name', item.filename],
			['Type', listed(m.format, item.contentType)],
			['Size', item.size && bytes(item.size)],
			['File', item.incomplete && 'Incomplete: it ends too early. ' +
			    'What is there of the picture is shown.'],
			['Motion', item.motion && 'With a clip of the moment'],
			['Dimensions', item.width && dimensions(item)],
			['Length', item.durationMs && duration(item.durationMs)],
			...FACTS.map(([name, of]) => [name, of(m)]),
			['Added', dayOf(item.createdAt)],
		];
		const where = item.place && item.metadata?.gps ? h('a',
		    { href: link('map', { place: item.place.id }) }, placeText(item.place)) : null;

		fill(this.facts, rows.filter(([, v]) => v).map(([name, value]) =>
		    [h('dt', null, name), h('dd', null, String(value))]),
		where ? [h('dt', null, 'Place'), h('dd', null, where)] : null);
		const lists = JSON.stringify([m.chapters, m.lyrics]);
		if (this.listed !== lists)
			fill(this.lists, chapterList(item), lyrics(item));
		this.listed = lists;
	}

	drawState()
	{
		const { item } = this;

		const again = () => h('button',
		    { type: 'button', onclick: (event) => this.retry(event.target) }, 'Try again');
		const failed = () => h('div.reason', null, icon('alert'),
		    h('p', null, item.failure?.message ?? 'This file could not be processed.'),
		    this.editable ? again() : null);
		const busy = () => h('p.busy-line', null, icon('clock'),
		    item.step ? `${stepName(item.step)}…` : 'Processing…');

		fill(this.state, { failed, processing: busy }[item.status]?.());
	}

	async retry(button)
	{
		button.disabled = true;
		try {
			await reprocess(this.item);
			announce('Processing again');
		} catch (problem) {
			button.disabled = false;
			fail(problem);
		}
	}

	async history()
	{
		const { item } = this;

		this.drawnStatus = item.status;
		try {
			const events = await timeline(item.id);
			if (this.item !== item)
				return;
			/* A finished step no longer shows when it started. */
			const same = (a, b) => a.step === b.step && a.attempt === b.attempt;
			const shown = events.filter((e, i) => e.state !== 'started' ||
			    !events.slice(i + 1).some((o) => same(o, e)));
			const mark = { failed: 'alert', done: 'check' };
			fill(this.events, shown.map((e) => h(`li.${e.state}`, null,
			    icon(mark[e.state] ?? 'clock'),
			    h('div', null,
				h('span', null, stepName(e.step), e.attempt > 1 ?
				    h('small', null, ` attempt ${e.attempt}`) : null),
				e.message ? h('p', null, e.message) : null),
			    h('time', { datetime: e.at, title: fullTime(e.at) },
				clockTime(e.at)))));
			if (!shown.length)
				fill(this.events, h('li.muted', null, 'No history yet.'));
		} catch (problem) {
			if (this.item === item)
				fill(this.events, h('li.muted', null, problem.message));
		}
		this.events.removeAttribute('aria-busy');
	}
}
