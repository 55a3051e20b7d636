/*
 * All settings in words, by group: those that can change while the server runs are edited here, the
 * others are shown with their source.
 */
import { api } from '../lib/api.js';
import { debounce, fill, h } from '../lib/dom.js';
import { bytes, many } from '../lib/format.js';
import { GROUP_NAMES, settingWords } from '../lib/setting-words.js';
import { adminNav } from '../ui/admin.js';
import { notice, options } from '../ui/form.js';
import { toast } from '../ui/toast.js';

const SOURCES = { default: 'default', file: 'from the configuration file',
    environment: 'from the environment', database: 'set here' };
const TYPING_MS = 150;
const COLLATE = new Intl.Collator('en');

/* 2592000 seconds -> '30 days', where that is easier to read than the number */
function
rounded(value, unit)
{
	const steps = [[86400, 'day'], [3600, 'hour'], [60, 'minute']];
	const step = unit === 'seconds' && value >= 120 &&
	    steps.find(([size]) => value % size === 0);

	return step ? many(value / step[0], step[1]) :
	    unit === 'bytes' && value >= 10000 ? bytes(value) : null;
}

/* What a number means, where that is not plain from it; else null. */
function
meaning(s, value)
{
	if (Number(value) === 0 && /\b0: no limit\b/.test(s.description))
		return 'no limit';
	return s.unit ? rounded(Number(value), s.unit) : null;
}

function
amount(s, value)
{
	if (value === '')
		return 'empty';
	if (!/^-?[0-9]+$/.test(value))
		return String(value);
	const words = meaning(s, value);

	if (!s.unit)
		return `${value}${words ? ` (${words})` : ''}`;
	return `${value} ${s.unit}${words ? ` (${words})` : ''}`;
}

const isSecret = (s) => s.isSet !== undefined;

function
input(s, id, onchange)
{
	const common = { id, onchange, 'aria-describedby': `${id}-text ${id}-wrong` };

	if (s.type === 'boolean')
		return h('input', { type: 'checkbox', checked: s.value, ...common });
	if (s.type === 'enum')
		return h('select', common,
		    options(s.choices.split('|').map((one) => [one, one]), s.value));
	if (s.type === 'integer' || s.type === 'size')
		return h('input', { type: 'number', inputmode: 'numeric', min: '0', step: '1',
		    value: s.value, ...common });
	if (isSecret(s))
		return h('input', { type: 'password', value: '', autocomplete: 'off',
		    placeholder: s.isSet ? 'set (hidden)' : 'not set', ...common });
	return h('input', { type: 'text', value: s.value ?? '', autocomplete: 'off', ...common });
}

function
valueOf(s, node)
{
	if (s.type === 'boolean')
		return node.checked;
	return s.type === 'integer' || s.type === 'size' ? Number(node.value) : node.value.trim();
}

/* A setting that can be edited; it is saved on each change. */
function
liveRow(first)
{
	const id = `s-${first.key.replace(/\./g, '-')}`;
	const node = h('div.setting');
	const draw = (s, saved) => {
		const wrong = h('small.field-error', { id: `${id}-wrong`, role: 'alert',
		    hidden: true });
		const save = async (value) => {
			field.setAttribute('aria-busy', 'true');
			wrong.hidden = true;
			field.removeAttribute('aria-invalid');
			try {
				const { items } = await api.patch('/admin/settings',
				    { [s.key]: value });
				toast(`${settingWords(s.key).text}: saved`);
				draw(items.find((one) => one.key === s.key), true);
			} catch (problem) {
				field.removeAttribute('aria-busy');
				field.setAttribute('aria-invalid', '');
				wrong.hidden = false;
				fill(wrong, problem.message,
				    problem.requestId ? ` (Request ${problem.requestId})` : null);
			}
		};
		const field = input(s, id, () => {
			if (field.type === 'number' && field.value === '')
				field.value = s.value; /* an empty field means nothing here */
			else if (field.reportValidity())
				save(valueOf(s, field));
		});
		const words = h('small.value-words');
		const say = () => {
			words.textContent = field.type === 'number' && field.value !== '' ?
			    meaning(s, field.value) ?? '' : '';
		};
		const back = s.source === 'database' ?
		    h('button.small',
			{ type: 'button', 'aria-label':
			    `Reset ${settingWords(s.key).text} to its default`,
			    onclick: () => save(null) },
			'Reset') : null;

		field.addEventListener('input', say);
		say();
		if (saved)
			field.classList.add('saved');
		fill(node,
		    h('div', null, h('label', { for: id }, settingWords(s.key).text),
			h('small', { id: `${id}-text` }, s.description,
			    isSecret(s) ? null : ` Default: ${amount(s, s.default)}`,
			    s.source === 'default' ? null : ` · ${SOURCES[s.source]}`),
			h('small.key', null, s.key)),
		    h('div.value', null, field, words, back), wrong);
	};

	draw(first, false);
	return node;
}

function
fixedRow(s)
{
	const secret = isSecret(s);
	const value = secret ? (s.isSet ? 'set (hidden)' : 'not set') : String(s.value ?? '');

	return h('div.setting', null,
	    h('div', null, h('strong', null, settingWords(s.key).text),
		h('small', null, s.description), h('small.key', null, s.key)),
	    h('div.value', null,
		secret || value === '' ? h('span.muted', null, value || 'empty') :
		    h('code', null, amount(s, value)),
		h('span.pill', null, SOURCES[s.source])));
}

/* What is typed is in the words, the key or the description. */
const matches = (s, q) => !q || `${settingWords(s.key).text} ${s.key} ${s.description}`
    .toLowerCase().includes(q);

/* rows: [{s, node}] of one group; shown(q) hides what does not match, and says what is left. */
function
groupPanel(name, rows)
{
	const node = h('section.panel', { 'aria-label': name }, h('h2', null, name),
	    h('div.rows', null, rows.map((row) => row.node)));

	return { node, shown: (q) => {
		const inName = name.toLowerCase().includes(q);
		let n = 0;

		for (const row of rows) {
			row.node.hidden = !inName && !matches(row.s, q);
			n += !row.node.hidden;
		}
		node.hidden = !n;
		return n;
	} };
}

/* Groups in their order, those that can be changed here first in each. */
function
groupsOf(items)
{
	const groups = new Map(GROUP_NAMES.map((name) => [name, []]));

	for (const s of items) {
		groups.get(settingWords(s.key).group).push({ s, live: s.live,
		    node: s.live ? liveRow(s) : fixedRow(s) });
	}
	return [...groups].filter(([, rows]) => rows.length).map(([name, rows]) =>
	    groupPanel(name, rows.sort((a, b) => b.live - a.live || COLLATE.compare(a.s.key,
		b.s.key))));
}

export function
mount(root, params)
{
	const place = h('div.panels');
	const none = h('div.empty', { hidden: true }, h('h2', null, 'No matches'));
	const said = h('p.unseen', { role: 'status' });
	let groups = [];
	const find = () => {
		const q = box.value.trim().toLowerCase();
		const n = groups.reduce((sum, one) => sum + one.shown(q), 0);

		none.hidden = n > 0 || !groups.length;
		said.textContent = q ? many(n, 'setting') : '';
	};
	const typed = debounce(find, TYPING_MS);
	const box = h('input', { type: 'search', value: params.q ?? '', oninput: typed,
	    placeholder: 'Search, upload, mail…', 'aria-label': 'Find a setting' });
	const load = async () => {
		fill(place, h('div.skeleton.line'));
		try {
			const { items } = await api.get('/admin/settings', null, { patient: true });

			groups = groupsOf(items);
			fill(place, groups.map(({ node }) => node));
			find();
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	fill(root, adminNav('settings'), h('h1', null, 'Settings'),
	    h('p.muted', null, 'What has a field is saved and applied immediately. The rest is ',
		'set in medianest.conf or the environment, and applies after a restart.'),
	    h('div.settings-find', null, box, said), place, none);
	load();
	return {
		update() {},
		unmount() {
			typed.cancel();
		},
	};
}
