/* Alerts: open ones with a button, those that have cleared with how long they lasted. */
import { api } from '../lib/api.js';
import { h } from '../lib/dom.js';
import { ago, fullTime } from '../lib/format.js';
import { fail, toast } from './toast.js';

const SEVERITIES = { warning: ['Warning', 'warn'], critical: ['Critical', 'bad'] };

export function
alertRow(alert)
{
	const open = alert.state === 'raised';
	const [word, tone] = SEVERITIES[alert.severity] ?? [alert.severity, 'warn'];
	const by = alert.acknowledgedBy?.displayName;
	const said = alert.acknowledgedBy ? `acknowledged${by ? ` by ${by}` : ''}` : null;
	const when = open ? `since ${ago(alert.raisedAt)}` : `ended ${ago(alert.clearedAt)}`;
	const button = open && !alert.acknowledgedBy ? h('button', { type: 'button',
	    onclick: async () => {
		    button.disabled = true;
		    try {
			    const now = alertRow(await api.post(
				`/admin/alerts/${alert.id}/acknowledge`));

			    /* in its place, where the person was */
			    now.tabIndex = -1;
			    row.replaceWith(now);
			    now.focus();
			    toast('Acknowledged');
		    } catch (problem) {
			    button.disabled = false;
			    fail(problem);
		    }
	    } }, 'Acknowledge') : null;

	const row = h('li.line.alert-row', { 'data-alert': alert.id },
	    h(`span.pill.${open ? tone : 'plain'}`, null, open ? word : 'Over'),
	    h('span.grow', null, h('strong', null, alert.title || alert.message),
		alert.title ? h('span', null, alert.message) : null,
		h('small', { title: `${fullTime(alert.raisedAt)}${alert.clearedAt ?
		    ` – ${fullTime(alert.clearedAt)}` : ''}` },
		[when, said].filter(Boolean).join(' · '))),
	    button);

	return row;
}
