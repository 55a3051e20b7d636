/* Which notifications reach the person, and how. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { kindsFor } from '../lib/notification-words.js';
import { link } from '../lib/router.js';
import { can } from '../lib/session.js';
import { notice, options } from '../ui/form.js';
import { fail, toast } from '../ui/toast.js';

const EMAIL = [['off', 'No email'], ['now', 'At once'], ['daily', 'Once a day'],
    ['weekly', 'Once a week']];
/* about the account's safety: always shown on the page */
const ALWAYS = ['session.ended'];

function
row(kind, text, first)
{
	let now = first;
	const save = async (change) => {
		const was = now;

		now = { ...now, ...change };
		try {
			await api.put('/notifications/preferences', { kinds: { [kind]: now } });
			toast('Saved');
		} catch (problem) {
			now = was;
			page.checked = now.page;
			email.value = now.email;
			fail(problem, 'Not saved.');
		}
	};
	const page = h('input', { type: 'checkbox', checked: now.page,
	    disabled: ALWAYS.includes(kind), 'aria-label': `${text}: on the page`,
	    onchange: () => save({ page: page.checked }) });
	const email = h('select', { 'aria-label': `${text}: email`,
	    onchange: () => save({ email: email.value }) }, options(EMAIL, now.email));

	return h('li.line.preference', { 'data-kind': kind }, h('strong.grow', null, text),
	    h('label.check', null, page, 'Page'), email);
}

/* 8 -> '8:00' in the person's own way of writing it */
const hourOf = (hour) => new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
    .format(new Date(2026, 0, 1, hour));

export function
mount(root)
{
	const place = h('div.panels');
	const load = async () => {
		fill(place, h('div.skeleton.line'));
		try {
			const { kinds, digestHour } = await api.get('/notifications/preferences',
			    null, { patient: true });
			const mine = kindsFor(can).filter(([kind]) => kinds[kind]);

			fill(place, h('section.panel', { 'aria-label': 'Notifications' },
			    h('p', null, 'What belongs together comes together: a season ' +
				'that arrives is one notification, not ten. ',
			    Number.isInteger(digestHour) ?
				`Daily and weekly emails are sent at ${hourOf(digestHour)}, ` +
				'server time.' : null),
			    h('ul.rows', null, mine.map(([kind, text]) =>
				row(kind, text, kinds[kind])))));
		} catch (problem) {
			fill(place, notice(problem, load));
		}
	};

	fill(root, h('p.crumb', null, h('a', { href: link('notifications') }, icon('left'),
	    'Notifications')), h('h1', null, 'Notification settings'), place);
	load();
	return {
		update() {},
		unmount() {},
	};
}
