/* What stands where content failed to load, and the choices of a select. */
import { again as later } from '../lib/again.js';
import { h, icon } from '../lib/dom.js';

const PASSING = [0, 502, 503, 504];
const FORGET_MS = 180000;
const failures = new WeakMap(); /* again -> {n, at}: how often it has failed in a row */

/* Tries again by itself while the notice is shown. */
function
recover(node, again, problem)
{
	const { n, at } = failures.get(again) ?? { n: 0, at: 0 };
	const tries = Date.now() - at > FORGET_MS ? 0 : n;

	failures.set(again, { n: tries + 1, at: Date.now() });
	setTimeout(() => later(() => node.isConnected && again(), tries + 1),
	    problem.retryAfter * 1000);
}

/*
 * An error in place of content, with a button to try again. What may pass, as a lost connection, is
 * tried again by itself; `again` then has to be the same function each time.
 */
export function
notice(problem, again)
{
	const passing = again && PASSING.includes(problem.status);
	const node = h('div.notice', { role: 'alert' }, icon('alert'),
	    h('p', null, problem.message),
	    passing ? h('small', null, 'Retrying automatically…') : null,
	    problem.requestId ? h('small', null, `Request ${problem.requestId}`) : null,
	    again ? h('button', { type: 'button', onclick: () => again() }, 'Try again') : null);

	if (passing)
		recover(node, again, problem);
	return node;
}

/* pairs: [value, text] */
export const options = (pairs, chosen) => pairs.map(([value, text]) => h('option',
    { value, selected: value === chosen }, text));
