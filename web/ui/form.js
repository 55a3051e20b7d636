/*
 * Forms: labelled fields and one button; what the server refuses is shown beside the field it is
 * about.
 */
import { fill, h, icon } from '../lib/dom.js';
import { options } from './notice.js';

export { notice, options } from './notice.js';

let serial = 0;

function
field({ name, label, type = 'text', hint, options: choices, value, ...props }, id)
{
	const input = choices ? h('select', { id, name, ...props }, options(choices, value)) :
	    type === 'textarea' ? h('textarea', { id, name, value: value ?? '', ...props }) :
	    h('input', { id, name, type, value: type === 'checkbox' ? undefined : value ?? '',
		checked: type === 'checkbox' && value, ...props });
	const wrong = h('small.field-error', { id: `${id}-wrong`, hidden: true });
	const text = hint ? h('small', { id: `${id}-hint` }, hint) : null;

	input.setAttribute('aria-describedby', `${text ? `${id}-hint ` : ''}${id}-wrong`);
	const tell = (message) => {
		wrong.hidden = !message;
		wrong.textContent = message ?? '';
		input.toggleAttribute('aria-invalid', Boolean(message));
	};
	const node = type === 'checkbox' ?
	    h('div.field', null, h('label.check', { for: id }, input, label), text, wrong) :
	    h('div.field', null, h('label', { for: id }, label), input, text, wrong);

	return { name, input, node, tell, label };
}

/*
 * fields: [{name, label, type, hint, options, value, ...attributes}]; run(values) is awaited; a
 * failure is shown, a result is passed to done(result, values). cancel: a button beside the other.
 * Returns {node, inputs: {name: element}, say(text)}
 */
export function
Form({ fields, extra, yes, run, done, danger, before, wide, cancel })
{
	const id = `f${++serial}`;
	const all = fields.filter(Boolean).map((f) => field(f, `${id}-${f.name}`));
	const said = h('p.form-error', { role: 'alert', hidden: true });
	const button = h(`button.primary${danger ? '.danger' : ''}`, { type: 'submit' }, yes);
	const say = (text, requestId) => {
		said.hidden = !text;
		fill(said, icon('alert'), h('span', null, text,
		    requestId ? [h('br'), h('small', null, `Request ${requestId}`)] : null));
	};
	const failed = (problem) => {
		let first = null;
		const others = [];

		for (const wrong of problem.errors ?? []) {
			const at = all.find((f) => f.name === wrong.field);
			if (at) {
				at.tell(`${at.label} ${wrong.message}`);
				first ??= at.input;
			} else {
				others.push(`${wrong.field} ${wrong.message}`);
			}
		}
		if (!first || others.length)
			say(others.join('. ') || problem.message, problem.requestId);
		first?.focus();
	};
	const node = h(wide ? 'form.form.wide' : 'form.form', { onsubmit: async (event) => {
		event.preventDefault();
		if (button.disabled)
			return;
		button.disabled = true;
		say('');
		all.forEach((f) => f.tell(null));
		try {
			const values = Object.fromEntries(all.map((f) => [f.name,
			    f.input.type === 'checkbox' ? f.input.checked : f.input.value.trim()]));
			const answer = await run(values);
			button.disabled = false;
			done?.(answer, values);
			return;
		} catch (problem) {
			if (problem.status === undefined)
				throw problem;
			failed(problem);
		}
		button.disabled = false;
	} }, before ?? null, said, all.map((f) => f.node), extra ?? null,
	    h('div.form-end', null, button, cancel ?? null));

	return { node, say, inputs: Object.fromEntries(all.map((f) => [f.name, f.input])) };
}

/* A value to copy. */
export function
copyable(text, label)
{
	const button = h('button', { type: 'button', onclick: async () => {
		try {
			await navigator.clipboard.writeText(text);
			button.textContent = 'Copied';
		} catch {
			getSelection().selectAllChildren(code);
		}
	} }, 'Copy');
	const code = h('code', { tabindex: '0', 'aria-label': label }, text);

	return h('div.copyable', null, code, button);
}
