/* How to connect a Plex server, for someone who does it for the first time. */
import { h } from '../lib/dom.js';

export function
firstSteps(open)
{
	return h('details.guide', { open }, h('summary', null, 'First steps: connect Plex'),
	    h('ol', null,
		h('li', null, h('strong', null, 'Find the address. '),
		    'In Plex, open Settings, then Remote Access. The private address and port ',
		    'are shown there, for example ', h('code', null, 'http://192.168.1.20:32400'),
		    '. If Plex runs on the same machine as MediaNest, use ',
		    h('code', null, 'http://127.0.0.1:32400'), '.'),
		h('li', null, h('strong', null, 'Find the token. '),
		    'In Plex Web, open any film, choose “…”, “Get Info”, “View XML”. ',
		    'The address of the page that opens ends with ',
		    h('code', null, 'X-Plex-Token='), ': copy what follows. ',
		    'Use the token of the account that owns the server.'),
		h('li', null, h('strong', null, 'Allow the address. '),
		    'MediaNest connects to private addresses only when ',
		    h('code', null, 'outbound.allow'),
		    ' in medianest.conf lists them, so that nobody can use it to look around ',
		    'your network. “Test connection” shows the exact line if it is missing.'),
		h('li', null, h('strong', null, 'Add the server and choose libraries. '),
		    'The first sync starts at once. After that, changes are picked up every ',
		    '15 minutes, or at once with a webhook.')));
}
