/* What a public link asks of its visitors and lets them do: fields for a new one or a change. */
import { h } from '../lib/dom.js';
import { inDays, LIVES } from '../lib/links.js';
import { dayOf } from '../lib/format.js';
import { options } from './form.js';

const PASSWORD = { type: 'text', autocomplete: 'off', spellcheck: 'false', minlength: '8',
    maxlength: '256' };
const KEEP = 'keep';

const labelled = (text, field, hint) => h('label', null, text, field,
    hint ? h('small', null, hint) : null);

/*
 * link: that is changed, or null for a new one. wish() returns what is to be sent, or null after it
 * has shown which field is wrong.
 */
export function
linkFields(link)
{
	const lives = link ? [[KEEP, link.expiresAt ? `As it is: ${dayOf(link.expiresAt)}` :
	    'As it is: never'], ...LIVES.filter(([days]) => days || link.expiresAt)] : LIVES;
	const life = h('select', null, options(lives, link ? KEEP : '30'));
	const password = h('input', { ...PASSWORD,
	    placeholder: link?.passwordSet ? 'Unchanged' : '' });
	const without = link?.passwordSet ? h('input', { type: 'checkbox', onchange: () => {
		password.disabled = without.checked;
	} }) : null;
	const download = h('input', { type: 'checkbox', checked: link?.download });
	const node = h('div.link-fields', null,
	    labelled('Expires after', life),
	    labelled(link ? 'New password' : 'Password (optional)', password,
		'At least 8 characters. Send it to people separately from the link.'),
	    without ? h('label.check', null, without, 'Remove the password') : null,
	    h('label.check', null, download, 'Visitors can download the originals'),
	    h('small.muted', null, 'Originals contain what the camera stored, such as the place. ' +
		'Without this, visitors see pictures and short previews of videos.'));
	const wish = () => {
		if (!password.reportValidity())
			return null;
		const secret = without?.checked ? null : password.value || undefined;

		return {
			...(life.value === KEEP ? {} : { expiresAt: inDays(life.value) }),
			...(secret === undefined ? {} : { password: secret }),
			...(link?.download === download.checked ? {} :
			    { download: download.checked }),
		};
	};

	return { node, wish };
}
