/*
 * One WebSocket for all events; an EventSource where WebSockets do not get through. Each connection
 * takes a new ticket and says which notification it saw last, so that none is lost. Nothing polls.
 */
import { api } from './api.js';
import { emit } from './bus.js';
import { end } from './session.js';

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const OPEN_TIMEOUT_MS = 10000;
const SOCKET_FAILURES = 2; /* handshakes that fail before EventSource is tried */
/* The server breaks each silence with a heartbeat; a connection without any is dead. */
const DEAF_MS = 65000;

let link = null;      /* {close()} */
let timer = 0;
let wanted = false;
let failures = 0;     /* in a row */
let neverOpened = 0;  /* WebSocket handshakes that failed */
let lastSeq = null;
let generation = 0;
let opens = 0;        /* connections since start() */
let watch = 0;        /* the timer that ends when nothing is heard */
let heard = 0;

export const sawSeq = (seq) => {
	if (Number.isInteger(seq) && (lastSeq === null || seq > lastSeq))
		lastSeq = seq;
};

/* Something came: the connection lives. */
function
hear()
{
	heard = Date.now();
	clearTimeout(watch);
	watch = setTimeout(() => {
		if (!wanted)
			return;
		emit('live', { state: 'off' });
		connect();
	}, DEAF_MS);
}

function
receive(text)
{
	let event;

	hear();
	try {
		event = JSON.parse(text);
	} catch {
		return;
	}
	if (event.type === 'heartbeat')
		return;
	if (event.seq !== undefined && event.seq !== null) {
		if (lastSeq !== null && event.seq <= lastSeq)
			return; /* replayed */
		sawSeq(event.seq);
	}
	const data = event.data ?? {};

	switch (event.type) {
	case 'session.ended':
		end('ended');
		break;
	case 'resync':
		if (opens > 1) /* on the first connection everything is fresh */
			emit('resync', {});
		break;
	case 'media.processing.progress':
		emit('progress', data);
		break;
	case 'media.processing.complete':
	case 'media.processing.failed':
	case 'media.created':
	case 'media.updated':
	case 'media.deleted':
		emit('media-event', { type: event.type, id: data.mediaId ?? data.id, data });
		break;
	default:
		emit('server-event', event);
	}
	if (event.seq !== undefined && event.seq !== null)
		emit('notification', event);
}

function
again()
{
	const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures++) *
	    (0.7 + Math.random() * 0.6);

	link = null;
	if (!wanted)
		return;
	emit('live', { state: 'off' });
	clearTimeout(timer);
	timer = setTimeout(connect, wait);
}

function
opened()
{
	failures = 0;
	opens++;
	hear();
	emit('live', { state: 'on' });
}

function
openSocket(query, mine)
{
	const socket = new WebSocket(
	    `${location.origin.replace(/^http/, 'ws')}/api/notifications/ws?${query}`);
	const slow = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
	let open = false;

	socket.onopen = () => {
		clearTimeout(slow);
		open = true;
		neverOpened = 0;
		opened();
	};
	socket.onmessage = ({ data }) => mine === generation && receive(data);
	socket.onclose = () => {
		clearTimeout(slow);
		if (!open)
			neverOpened++;
		if (mine === generation)
			again();
	};
	return socket;
}

/*
 * An EventSource would reconnect with the used ticket, so at the first error we reconnect
 * ourselves.
 */
function
openStream(query, mine)
{
	const stream = new EventSource(`/api/notifications/stream?${query}`);

	stream.onopen = opened;
	stream.onmessage = ({ data }) => mine === generation && receive(data);
	stream.onerror = () => {
		stream.close();
		neverOpened = 0; /* next time try a WebSocket again */
		if (mine === generation)
			again();
	};
	return stream;
}

async function
connect()
{
	const mine = ++generation;

	clearTimeout(timer);
	clearTimeout(watch);
	link?.close();
	link = null;
	try {
		const { ticket } = await api.post('/notifications/ticket', undefined,
		    { again: true });
		const query = new URLSearchParams({ ticket,
		    ...(lastSeq === null ? {} : { after: lastSeq }) });

		if (mine !== generation || !wanted)
			return;
		link = neverOpened >= SOCKET_FAILURES ? openStream(query, mine) :
		    openSocket(query, mine);
	} catch (problem) {
		if (mine !== generation)
			return;
		if (problem.retryAfter > 0) {
			emit('live', { state: 'off' });
			timer = setTimeout(connect, problem.retryAfter * 1000);
		} else {
			again();
		}
	}
}

export function
start()
{
	wanted = true;
	failures = 0;
	opens = 0;
	lastSeq = null;
	connect();
}

export function
stop()
{
	wanted = false;
	generation++;
	clearTimeout(timer);
	clearTimeout(watch);
	link?.close();
	link = null;
}

/*
 * The network is back, or the person is: skip the rest of the back-off. A page that slept may have
 * a connection that ended meanwhile.
 */
const hurry = () => {
	if (wanted && document.visibilityState === 'visible' &&
	    (!link || Date.now() - heard > DEAF_MS))
		connect();
};

/*
 * A socket that was open when the network went does not know it yet. A new one tells: a network
 * without a way out may still have this server.
 */
addEventListener('offline', () => {
	if (wanted) {
		emit('live', { state: 'off' });
		connect();
	}
});
addEventListener('online', () => wanted && connect());
document.addEventListener('visibilitychange', hurry);
