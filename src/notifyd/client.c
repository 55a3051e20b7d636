#include "notifyd/notifyd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/metric.h"
#include "core/problem_document.h"
#include "core/str.h"
#include "service/notify/notify.h"

#include "core/banned.h"

#define STREAM_HEAD_MAX 1024
#define STREAM_PATH "/api/notifications/stream"
#define STREAM_FRAME 64 /* bytes of EventSource around the JSON */

static struct metric_values
transport(const struct client *c)
{
	return LABELS(c->mode == CLIENT_WS ? VALUE_TRANSPORT_WEBSOCKET : VALUE_TRANSPORT_STREAM);
}

struct client *
client_new(struct notifyd *nd, struct lws *wsi, enum client_mode mode)
{
	struct client *c = xmalloc(sizeof(*c));

	*c = (struct client) { .wsi = wsi,
		.nd = nd,
		.mode = mode,
		.state = CLIENT_TICKET,
		.after = -1,
		.last = -1,
		.check_slot = -1,
		.opened = clock_now(),
		.since = clock_monotonic() };
	c->tail = &c->head;
	people_add(nd, c);
	return c;
}

static void
client_drop_queue(struct client *c)
{
	struct queued *q;

	while ((q = c->head) != NULL) {
		c->head = q->next;
		event_release(q->event);
		free(q);
	}
	c->tail = &c->head;
	metric_gauge_add(METRIC_LIVE_QUEUE, transport(c), -(int64_t)c->queued_bytes);
	c->queued_bytes = 0;
}

void
client_free(struct client *c)
{
	bus_forget_client(c);
	feed_forget_client(c->nd, c);
	people_remove(c->nd, c);
	client_drop_queue(c);
	if (c->counted)
		metric_gauge_add(METRIC_LIVE_CONNECTIONS, transport(c), -1);
	free(c->origin);
	free(c);
}

bool
client_queue(struct client *c, struct event *ev)
{
	struct queued *q;

	if (c->queued_bytes + ev->len > NOTIFYD_QUEUE_MAX)
		return false;
	if (c->head == NULL)
		c->since = clock_monotonic();
	q = xmalloc(sizeof(*q));
	*q = (struct queued) { .event = event_hold(ev) };
	*c->tail = q;
	c->tail = &q->next;
	c->queued_bytes += ev->len;
	metric_gauge_add(METRIC_LIVE_QUEUE, transport(c), (int64_t)ev->len);
	if (c->state == CLIENT_LIVE)
		lws_callback_on_writable(c->wsi);
	return true;
}

/* Drops a client that reads too slowly; it can reconnect and ask for the events that it missed. */
static void
client_kill(struct client *c, const char *why)
{
	log_info(c->nd->log, "connection of %s dropped: %s",
	    c->person == NULL ? "nobody" : c->person->user, why);
	metric_add(METRIC_LIVE_DROPPED, transport(c), 1);
	client_drop_queue(c);
	c->state = CLIENT_CLOSING;
	c->close_code = CLOSE_POLICY;
	c->close_reason = why;
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

void
client_send(struct client *c, struct event *ev)
{
	if (c->state != CLIENT_CLOSING && !client_queue(c, ev))
		client_kill(c, "it reads too slowly");
}

void
client_close(struct client *c, int code, int status, const char *reason, bool flush)
{
	if (c->state == CLIENT_CLOSING)
		return;
	if (!flush)
		client_drop_queue(c);
	c->state = CLIENT_CLOSING;
	c->close_code = code;
	c->close_reason = reason;
	c->status = status;
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, NOTIFYD_CLOSE_MS / 1000);
	lws_callback_on_writable(c->wsi);
}

void
client_session_ended(struct client *c)
{
	struct event *ev;

	if (c->state == CLIENT_CLOSING)
		return;
	client_drop_queue(c);
	if (c->mode == CLIENT_WS || c->head_sent) {
		ev = event_plain(&c->nd->scratch, "session.ended");
		client_queue(c, ev);
		event_release(ev);
	}
	client_close(c, CLOSE_SESSION, 401, "session ended", true);
}

void
client_accepted(struct client *c, const char *user, const char *sid, int64_t generation)
{
	if (c->state != CLIENT_TICKET)
		return;
	str_copy(c->sid, sizeof(c->sid), sid);
	c->generation = generation;
	c->state = CLIENT_VERIFY;
	c->counted = true;
	metric_add(METRIC_LIVE_ACCEPTED, transport(c), 1);
	metric_gauge_add(METRIC_LIVE_CONNECTIONS, transport(c), 1);
	people_join(c->nd, c, user);
	feed_client(c->nd, c);
	if (c->mode == CLIENT_STREAM)
		lws_callback_on_writable(c->wsi);
}

/* The refusal of a stream, as a problem document. */
static int
refusal_head(const struct client *c, const char *cors, char *text, size_t size)
{
	struct arena arena;
	struct error err;
	struct json *j;
	char retry[32] = "";
	int len;

	if (c->status == 401)
		error_slug(&err, ERR_UNAUTHENTICATED, "ticket_invalid",
		    "The ticket is invalid or has expired. Request a new one.");
	else
		error_set(&err, ERR_UNAVAILABLE,
		    "Notifications are not available right now. Try again shortly.");
	if (error_retry_after(&err) > 0)
		snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", error_retry_after(&err));
	arena_init(&arena);
	j = json_new(&arena, size / 2);
	problem_document(j, &err, STREAM_PATH, c->request_id);
	len = snprintf(text, size,
	    "HTTP/1.1 %d -\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n%s%s"
	    "Cache-Control: no-store\r\nVary: Origin\r\nConnection: close\r\n\r\n%s",
	    c->status, j->buf.len, cors, retry, j->buf.data);
	arena_clear(&arena);
	return len;
}

/* Writes the head of an EventSource's response, or the whole response of a refusal. */
static int
client_write_head(struct client *c)
{
	unsigned char buffer[LWS_PRE + STREAM_HEAD_MAX];
	char *text = (char *)buffer + LWS_PRE, cors[NOTIFYD_HEADERS_MAX / 16] = "";
	int len;

	if (c->origin != NULL)
		snprintf(cors, sizeof(cors), "Access-Control-Allow-Origin: %s\r\n", c->origin);
	if (c->state == CLIENT_CLOSING)
		len = refusal_head(c, cors, text, STREAM_HEAD_MAX);
	else
		len = snprintf(text, STREAM_HEAD_MAX,
		    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n%s"
		    "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\nVary: Origin\r\n"
		    "Connection: close\r\n\r\n:\n\n",
		    cors);
	c->head_sent = true;
	return len >= STREAM_HEAD_MAX ||
		lws_write(c->wsi, buffer + LWS_PRE, (size_t)len, LWS_WRITE_HTTP_HEADERS) < len ?
	    -1 :
	    0;
}

/* EventSource framing; JSON has no line breaks. */
static int
stream_write(struct client *c, const struct event *ev)
{
	static unsigned char buffer[LWS_PRE + NOTIFY_EVENT_MAX + 2 * STREAM_FRAME + 1024];
	char *text = (char *)buffer + LWS_PRE;
	size_t len = 0;

	if (ev->seq > 0)
		len = (size_t)snprintf(text, STREAM_FRAME, "id: %lld\n", (long long)ev->seq);
	memcpy(text + len, "data: ", 6);
	memcpy(text + len + 6, ev->text + LWS_PRE, ev->len);
	memcpy(text + len + 6 + ev->len, "\n\n", 2);
	len += 8 + ev->len;
	return lws_write(c->wsi, buffer + LWS_PRE, len, LWS_WRITE_HTTP) < (int)len ? -1 : 0;
}

/*
 * One event per callback: libwebsockets buffers what the socket does not accept, and calls again
 * only when the buffer is empty.
 */
static int
client_write_event(struct client *c)
{
	struct queued *q = c->head;
	struct event *ev = q->event;
	int answer;

	if ((c->head = q->next) == NULL)
		c->tail = &c->head;
	free(q);
	c->queued_bytes -= ev->len;
	metric_gauge_add(METRIC_LIVE_QUEUE, transport(c), -(int64_t)ev->len);
	if (c->mode == CLIENT_STREAM)
		answer = stream_write(c, ev);
	else
		answer =
		    lws_write(c->wsi, ev->text + LWS_PRE, ev->len, LWS_WRITE_TEXT) < (int)ev->len ?
		    -1 :
		    0;
	event_release(ev);
	metric_add(METRIC_LIVE_EVENTS, transport(c), 1);
	c->since = clock_monotonic();
	return answer;
}

int
client_write(struct client *c)
{
	int answer = 0;

	if (c->mode == CLIENT_STREAM && !c->head_sent && c->state != CLIENT_TICKET) {
		bool refused = c->state == CLIENT_CLOSING;

		if (client_write_head(c) < 0 || refused)
			return -1;
	} else if (c->head != NULL && c->state >= CLIENT_LIVE) {
		answer = client_write_event(c);
	} else if (c->state == CLIENT_CLOSING) {
		if (c->mode == CLIENT_WS)
			lws_close_reason(c->wsi, (enum lws_close_status)c->close_code,
			    (unsigned char *)(uintptr_t)c->close_reason, strlen(c->close_reason));
		return -1;
	}
	if (answer == 0 && (c->head != NULL || c->state == CLIENT_CLOSING) &&
	    c->state >= CLIENT_LIVE)
		lws_callback_on_writable(c->wsi);
	if (c->replay_waits && c->queued_bytes < NOTIFYD_QUEUE_LOW) {
		c->replay_waits = false;
		feed_client(c->nd, c);
	}
	return answer;
}

/*
 * An event, and not a ping of the protocol or a comment, which scripts of a page do not see: it
 * keeps proxies from ending a silent connection, and its absence tells a page that it is deaf.
 */
static void
client_heartbeat(struct client *c)
{
	struct event *ev = event_plain(&c->nd->scratch, "heartbeat");

	client_send(c, ev);
	event_release(ev);
}

void
client_tick(struct client *c, int64_t now)
{
	int64_t waited = (now - c->since) / US_PER_MS;

	c->received = 0;
	if (c->state == CLIENT_TICKET && waited > NOTIFYD_TICKET_MS) {
		client_close(c, CLOSE_TRY_LATER, 503, "try again", false);
	} else if (c->state == CLIENT_LIVE && c->head != NULL && waited > NOTIFYD_STALL_MS) {
		client_kill(c, "it reads nothing");
	} else if (c->state == CLIENT_LIVE && c->head == NULL && waited >= c->nd->heartbeat_ms) {
		client_heartbeat(c);
	}
}
