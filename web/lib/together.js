/* One change of many items: in requests of as many as the API takes, with a result for each. */
import { api, Problem } from './api.js';

const AT_ONCE = 100;

/*
 * body: {set, trash} of POST /media/bulk. Calls apply(item) for each that was changed and
 * tell(n) after each request; returns {done, problems}.
 */
export async function
together(items, body, apply, tell)
{
	const problems = [];
	let done = 0;

	for (let at = 0; at < items.length; at += AT_ONCE) {
		const some = items.slice(at, at + AT_ONCE);
		try {
			const answer = await api.post('/media/bulk',
			    { ids: some.map(({ id }) => id), ...body },
			    { headers: { 'Idempotency-Key': crypto.randomUUID() }, again: true,
				patient: true });
			for (const one of answer.items) {
				if (one.status === 200) {
					apply?.(some[one.index]);
					done++;
				} else {
					problems.push(new Problem(one.status, one));
				}
			}
		} catch (problem) {
			/* the others would fail in the same way */
			problems.push(...items.slice(at).map(() => problem));
			break;
		}
		tell?.(done + problems.length);
	}
	return { done, problems };
}
