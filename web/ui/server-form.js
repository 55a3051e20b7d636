/* Adding and changing a Plex server; what the test of a connection says, in words to act on. */
import { api } from '../lib/api.js';
import { fill, h, icon } from '../lib/dom.js';
import { copyable, Form } from './form.js';

export const SERVERS = '/integrations/plex/servers';

/* For answers that come without words of their own. */
const FAILED = {
	unreachable: 'No answer from this address. Check the address and port, and that the ' +
	    'server is running.',
	tls: 'The certificate of this server is not trusted. Use its plex.direct address, or add ' +
	    'its certificate authority to outbound.ca_file.',
	unauthorized: 'The server refused the token. Copy it again and check for missing ' +
	    'characters.',
	not_plex: 'Something responds at this address, but it is not a Plex server. The usual ' +
	    'port is 32400.',
	refused_address: 'MediaNest does not connect to private addresses unless its ' +
	    'configuration lists them.',
};

const LITERAL = /^(\d+\.\d+\.\d+\.\d+|\[.+\])$/;

/* The line of medianest.conf that allows an address of the home network. */
export function
allowLine(address)
{
	let url;

	try {
		url = new URL(address);
	} catch {
		return null;
	}
	const host = LITERAL.test(url.hostname) ? url.hostname : 'ADDRESS';
	const port = url.port || (url.protocol === 'https:' ? '443' : '80');

	return { text: `outbound.allow = ${host}:${port}`, exact: host !== 'ADDRESS',
	    name: url.hostname };
}

/* How to let MediaNest reach an address that it refused. */
export function
allowHelp(address)
{
	const line = allowLine(address);

	return line ? h('div.allow', null,
	    h('p', null, 'Add this line to medianest.conf, then restart MediaNest. ',
		'If the file has an outbound.allow line already, add the address to it, ',
		'separated by a comma.',
		line.exact ? null : ` Replace ADDRESS with the IP address of ${line.name}.`),
	    copyable(line.text, 'Line for medianest.conf')) : null;
}

/* The answer of a test: a node to show. address: what was tested. */
export function
testAnswer(answer, address, ok = 'Connected.')
{
	const { server } = answer;
	const who = server ? [server.name, server.version && `version ${server.version}`]
	    .filter(Boolean).join(', ') : '';

	if (answer.ok)
		return h('div.said.good', { role: 'status' }, icon('check'),
		    h('p', null, who ? `${ok} ${who}` : ok));
	return h('div.said.bad', { role: 'alert' }, icon('alert'), h('div.grow', null,
	    h('p', null, answer.message || FAILED[answer.code]),
	    answer.code === 'refused_address' ? allowHelp(address) : null));
}

/* Runs a test on a button and shows its answer in a place. */
export async function
runTest(button, place, ask, address, ok)
{
	const text = button.textContent;

	button.disabled = true;
	button.textContent = 'Testing…';
	fill(place);
	try {
		fill(place, testAnswer(await ask(), address(), ok));
	} catch (problem) {
		fill(place, testAnswer({ ok: false, code: problem.code, message: problem.message },
		    address()));
	}
	button.disabled = false;
	button.textContent = text;
}

/* server: the one that is changed; null for a new one. */
export function
serverForm({ server, done, cancel })
{
	const place = h('div');
	const values = () => ({ url: inputs.url.value.trim(), token: inputs.token.value.trim() });
	/* a stored token never leaves the server: without a new one, the stored pair is tested */
	const ask = () => (server && !values().token && values().url === server.url ?
	    api.post(`${SERVERS}/${server.id}/test`, undefined, { again: true }) :
	    api.post(`${SERVERS}/test`, values(), { again: true }));
	const test = h('button', { type: 'button', onclick: () => node.reportValidity() &&
	    (values().token || server?.url === values().url ?
		runTest(test, place, ask, () => values().url) :
		inputs.token.focus()) }, 'Test connection');
	const { node, inputs } = Form({
		fields: [
			{ name: 'name', label: 'Name', value: server?.name, required: true,
			    maxlength: '100', placeholder: 'Living room' },
			{ name: 'url', label: 'Address', type: 'url', value: server?.url,
			    required: true, maxlength: '250', inputmode: 'url',
			    placeholder: 'http://192.168.1.20:32400', autocomplete: 'off' },
			{ name: 'token', label: 'Token', type: 'password', autocomplete: 'off',
			    required: !server, maxlength: '2048',
			    hint: server ? 'Leave this empty to keep the stored token. ' +
				'A new address needs it again.' :
				'X-Plex-Token. It is stored encrypted and never shown again.' },
			server ? { name: 'enabled', label: 'Sync this server', type: 'checkbox',
			    value: server.enabled } : null,
		],
		yes: server ? 'Save' : 'Add server',
		extra: place,
		cancel: [test, cancel ? h('button', { type: 'button', onclick: cancel },
		    'Cancel') : null],
		run: ({ name, url, token, enabled }) => (server ?
		    api.patch(`${SERVERS}/${server.id}`, {
			...(name === server.name ? {} : { name }),
			...(url === server.url ? {} : { url }),
			...(token ? { token } : {}),
			...(enabled === server.enabled ? {} : { enabled }),
		}) : api.post(SERVERS, { name, url, token })),
		done,
	});

	/* the stored token is sent to no other address */
	inputs.url.addEventListener('input', () => {
		inputs.token.required = !server || inputs.url.value.trim() !== server.url;
	});
	return { node, inputs };
}
