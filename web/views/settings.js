/*
 * All settings: those that can change while the server runs are edited here, the others are shown
 * with their source.
 */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { adminNav } from '../ui/admin.js';
import { notice, options } from '../ui/form.js';
import { toast } from '../ui/toast.js';

const SOURCES = { default: 'default', file: 'from the configuration file',
    environment: 'from the environment', database: 'set here' };
const COLLATE = new Intl.Collator('en');

const amount = (s, value) => (value === '' ? 'empty' :
    `${value}${s.unit && /^-?[0-9]+$/.test(value) ? ` ${s.unit}` : ''}`);

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
				toast(`${s.key} saved`);
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
		const back = s.source === 'database' ?
		    h('button.small',
			{ type: 'button', 'aria-label': `Reset ${s.key} to its default`,
			    onclick: () => save(null) },
			'Reset') : null;

		if (saved)
			field.classList.add('saved');
		fill(node,
		    h('div', null, h('label', { for: id }, s.key), h('small', { id: `${id}-text` },
			s.description, isSecret(s) ? null : ` Default: ${amount(s, s.default)}`,
			s.source === 'default' ? null : ` · ${SOURCES[s.source]}`)),
		    h('div.value', null, field, back), wrong);
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
	    h('div', null, h('strong', null, s.key), h('small', null, s.description)),
	    h('div.value', null,
		secret || value === '' ? h('span.muted', null, value || 'empty') :
		    h('code', null, amount(s, value)),
		h('span.pill', null, SOURCES[s.source])));
}

export function
mount(root)
{
	const place = h('div.panels');
	const load = async () => {
		fill(place, h('div.skeleton.line'));
		try {
			const { items } = await api.get('/admin/settings', null, { patient: true });
			items.sort((a, b) => COLLATE.compare(a.key, b.key));
			const of = (live) => items.filter((s) => s.live === live);
			fill(place,
			    h('section.panel', { 'aria-label': 'Live settings' },
				h('h2', null, 'Live settings'),
				h('p', null, 'Changes are saved and applied immediately.'),
				h('div.rows', null, of(true).map(liveRow))),
			    h('section.panel', { 'aria-label': 'Fixed settings' },
				h('h2', null, 'Fixed settings'),
				h('p', null, 'Set in medianest.conf or the environment. ',
				    'Changes apply after a restart.'),
				h('div.rows', null, of(false).map(fixedRow))));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	fill(root, adminNav('settings'), h('h1', null, 'Settings'), place);
	load();
	return {
		update() {},
		unmount() {},
	};
}
