/* The permissions of each role. */
import { api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { PERMISSIONS, ROLES } from '../lib/rights.js';
import { adminNav } from '../ui/admin.js';
import { ask } from '../ui/dialog.js';
import { Form, notice } from '../ui/form.js';
import { toast } from '../ui/toast.js';

const names = Object.keys(PERMISSIONS);

export function
mount(root)
{
	const place = h('div');
	let unsaved = false;
	const warn = (event) => unsaved && event.preventDefault();
	const draw = ({ roles, implied }) => {
		unsaved = false;
		const given = Object.fromEntries(Object.keys(ROLES).map((role) => [role,
		    new Set(roles[role])]));
		const boxes = Object.fromEntries(Object.keys(ROLES).map((role) => [role, {}]));
		/*
		 * A permission that another one implies is ticked too, and cannot be unticked by
		 * itself.
		 */
		const sync = (role) => {
			for (const name of names) {
				const along = names.some((other) => given[role].has(other) &&
				    implied[other]?.includes(name));
				boxes[role][name].checked = along || given[role].has(name);
				boxes[role][name].disabled = along;
			}
		};
		const box = (role, name) => {
			boxes[role][name] = h('input', { type: 'checkbox',
			    'aria-label': `${ROLES[role]}: ${PERMISSIONS[name]}`,
			    onchange: ({ target }) => {
				given[role][target.checked ? 'add' : 'delete'](name);
				unsaved = true;
				sync(role);
			} });
			return h('td', null, h('label', null, boxes[role][name]));
		};
		const table = h('table.matrix', null,
		    h('thead', null, h('tr', null, h('td'),
			Object.values(ROLES).map((text) => h('th', { scope: 'col' }, text)))),
		    h('tbody', null, names.map((name) => h('tr', null,
			h('th', { scope: 'row' }, PERMISSIONS[name], h('small', null, name)),
			Object.keys(ROLES).map((role) => box(role, name))))));

		Object.keys(ROLES).forEach(sync);
		fill(place, Form({
			fields: [], before: table, yes: 'Save', wide: true,
			run: () => api.put('/admin/roles',
			    { roles: Object.fromEntries(Object.keys(ROLES).map((role) => [role,
				[...given[role]]])) }),
			done: (now) => {
				toast('Saved. Applies immediately.');
				draw(now);
			},
		}).node);
	};
	const load = async () => {
		fill(place, h('div.skeleton.line'));
		try {
			draw(await api.get('/admin/roles', null, { patient: true }));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	fill(root, adminNav('roles'), h('h1', null, 'Roles'), place);
	load();
	addEventListener('beforeunload', warn);
	return {
		update() {},
		leaving: () => !unsaved || ask({ title: 'Leave without saving?',
		    text: 'Your changes to the roles are lost.', yes: 'Leave', no: 'Stay',
		    danger: true }),
		unmount() {
			removeEventListener('beforeunload', warn);
		},
	};
}
