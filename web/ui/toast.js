/*
 * Short messages at the lower edge, with at most one action; they stay while the pointer or the
 * focus is on them.
 */
import { announce, h, iconButton } from '../lib/dom.js';

const SHOWN_MS = 6000;
const SHOWN_WITH_ACTION_MS = 9000;
const MOST = 3;

/* ended(): the message has gone without its action */
export function
toast(text, { action, onaction, ended, small, tone, sticky } = {})
{
	const box = document.getElementById('toasts');
	let timer = 0;
	const close = () => {
		clearTimeout(timer);
		if (node.isConnected) {
			node.remove();
			ended?.();
		}
	};
	const arm = () => {
		clearTimeout(timer);
		if (!sticky)
			timer = setTimeout(close, action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
	};
	const words = h('p', null, text);
	const node = h(`div.toast${tone ? `.${tone}` : ''}`, {
		onpointerenter: () => clearTimeout(timer), onpointerleave: arm,
		onfocusin: () => clearTimeout(timer), onfocusout: arm,
	}, h('div.grow', null, words, small ? h('small', null, small) : null),
	action ? h('button.link', { type: 'button', onclick: () => {
		ended = null;
		close();
		onaction();
	} }, action) : null, iconButton('close', 'Dismiss', close));

	while (box.children.length >= MOST)
		box.firstChild.end();
	node.end = close;
	box.append(node);
	announce(text);
	arm();
	return {
		close,
		text: (now) => {
			words.textContent = now;
		},
	};
}

/* A failure in plain words, with the request id that an administrator can look up. */
export function
fail(problem, lead)
{
	if (problem?.name === 'AbortError')
		return null;
	return toast(lead ? `${lead} ${problem.message}` : problem.message, {
		tone: 'bad', small: problem.requestId ? `Request ${problem.requestId}` : null,
	});
}
