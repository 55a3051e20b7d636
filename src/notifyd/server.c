#include "notifyd/notifyd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/manager.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "service/notify/notify_inbox.h"

#include "core/banned.h"

#define ARGUMENT_MAX 1100 /* bytes of one query parameter; nginx allows no more */
#define ORIGIN_MAX 320
#define CONNECTION_TIMEOUT_SECONDS 10 /* for a request to arrive */
#define DRAIN_POLL_MS 50

/*
 * The data of a request. libwebsockets allocates it, zeroed, and keeps it as long as the connection
 * has the same role.
 */
struct asked {
	struct client *client;
	char ticket[TICKET_TEXT + 1];
	int64_t after;
	char origin[ORIGIN_MAX];
	char request_id[REQUEST_ID_MAX];
};

static struct notifyd *
server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

/* A header that libwebsockets has no token for; false when it is too long. */
static bool
custom_header(struct lws *wsi, const char *name, char *out, size_t size)
{
	int len = lws_hdr_custom_length(wsi, name, (int)strlen(name));

	out[0] = '\0';
	if (len <= 0)
		return true;
	return (size_t)len < size &&
	    lws_hdr_custom_copy(wsi, out, (int)size, name, (int)strlen(name)) >= 0;
}

static bool
seq_parse(const char *text, int64_t *seq)
{
	return str_to_int(text, 0, JSON_INT_MAX, seq);
}

/*
 * Reads the position: from a browser that reconnects by itself, or from the query. False: not a
 * number.
 */
static bool
request_after(struct lws *wsi, bool stream, int64_t *after)
{
	char text[ARGUMENT_MAX];
	const char *value;

	*after = -1;
	if (stream) {
		if (!custom_header(wsi, "last-event-id:", text, sizeof(text)) ||
		    (text[0] != '\0' && !seq_parse(text, after)))
			return false;
		if (text[0] != '\0')
			return true;
	}
	value = lws_get_urlarg_by_name(wsi, "after=", text, sizeof(text));
	return value == NULL || seq_parse(value, after);
}

/* Fills `asked`; returns 0 or the status of the refusal. */
static int
request_read(struct notifyd *nd, struct lws *wsi, bool stream, struct asked *asked)
{
	char text[ARGUMENT_MAX];
	const char *value;

	if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0 &&
	    (lws_hdr_copy(wsi, asked->origin, sizeof(asked->origin), WSI_TOKEN_ORIGIN) < 0 ||
		!config_origin_allowed(nd->config, asked->origin)))
		return 403;
	if (nd->stopping)
		return 503;
	if (!request_after(wsi, stream, &asked->after))
		return 400;
	if (!custom_header(wsi, "x-request-id:", asked->request_id, sizeof(asked->request_id)) ||
	    !request_id_valid(asked->request_id))
		asked->request_id[0] = '\0';
	value = lws_get_urlarg_by_name(wsi, "ticket=", text, sizeof(text));
	if (value != NULL && strlen(value) == TICKET_TEXT)
		str_copy(asked->ticket, sizeof(asked->ticket), value);
	return 0;
}

static int
refuse(struct lws *wsi, int status)
{
	/* The connection ends in any case. Without a status line, nginx would report a 502. */
	if (lws_return_http_status(wsi, (unsigned)status, NULL) != 0)
		log_debug(server_of(wsi)->log, "a refusal could not be written");
	return -1;
}

static bool
path_is(const char *path, const char *name)
{
	if (strncmp(path, "/api", 4) != 0)
		return false;
	path += 4;
	if (strncmp(path, "/v1/", 4) == 0)
		path += 3;
	return strncmp(path, "/notifications/", 15) == 0 && strcmp(path + 15, name) == 0;
}

/* A WebSocket request; the response has not been written yet. */
static int
ws_filter(struct lws *wsi, struct asked *asked)
{
	char path[64];
	int status;

	if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) < 0 || !path_is(path, "ws"))
		return refuse(wsi, 404);
	status = request_read(server_of(wsi), wsi, false, asked);
	return status == 0 ? 0 : refuse(wsi, status);
}

static void
client_begin(struct lws *wsi, struct asked *asked, enum client_mode mode)
{
	struct notifyd *nd = server_of(wsi);
	struct client *c = client_new(nd, wsi, mode);

	asked->client = c;
	c->after = asked->after;
	str_copy(c->request_id, sizeof(c->request_id), asked->request_id);
	if (asked->origin[0] != '\0')
		c->origin = xstrdup(asked->origin);
	if (nd->stopping)
		client_close(c, CLOSE_RESTART, 503, "restarting", false);
	else
		bus_ticket(nd, c, asked->ticket);
}

static int
stream_request(struct lws *wsi, struct asked *asked, const char *path)
{
	int status;

	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0)
		return refuse(wsi, 405);
	if (!path_is(path, "stream"))
		/* the request does not ask for the upgrade */
		return refuse(wsi, path_is(path, "ws") ? 400 : 404);
	if ((status = request_read(server_of(wsi), wsi, true, asked)) != 0)
		return refuse(wsi, status);
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	lws_http_headers_detach(wsi);
	client_begin(wsi, asked, CLIENT_STREAM);
	return 0;
}

static int
client_received(struct client *c, size_t len)
{
	/* Everything that clients send is ignored; a flood ends the connection. */
	c->received += len;
	if (c->received > NOTIFYD_RECEIVED_MAX)
		client_close(c, CLOSE_POLICY, 400, "too much data sent", false);
	return 0;
}

static void
client_end(struct asked *asked)
{
	if (asked == NULL || asked->client == NULL)
		return;
	client_free(asked->client);
	asked->client = NULL;
}

/*
 * One handler at index 0: an upgrade that names no subprotocol must not get past the Origin check.
 */
static int
server_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct asked *asked = user;

	switch (reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return ws_filter(wsi, asked);
	case LWS_CALLBACK_ESTABLISHED: client_begin(wsi, asked, CLIENT_WS); return 0;
	case LWS_CALLBACK_HTTP: return stream_request(wsi, asked, in);
	case LWS_CALLBACK_RECEIVE:
		return asked->client == NULL ? -1 : client_received(asked->client, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return asked == NULL || asked->client == NULL ? 0 : client_write(asked->client);
	/* The *_DROP_PROTOCOL reasons come before the close frame is written: too early to end. */
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_CLOSED_HTTP: client_end(asked); return 0;
	case LWS_CALLBACK_RAW_RX_FILE:
	case LWS_CALLBACK_RAW_WRITEABLE_FILE:
	case LWS_CALLBACK_RAW_CLOSE_FILE: return watch_callback(wsi, reason);
	default: return 0;
	}
}

static void
server_tick(lws_sorted_usec_list_t *sul)
{
	struct notifyd *nd = lws_container_of(sul, struct notifyd, tick);

	people_tick(nd);
	bus_tick(nd);
	feed_tick(nd);
	lws_sul_schedule(nd->lws, 0, &nd->tick, server_tick, nd->tick_ms * US_PER_MS);
}

static const struct log *library_log;

static void
library_line(int level, const char *line)
{
	log_warn(library_log, "libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

/* libwebsockets sizes its tables by the limit. */
static void
limit_descriptors(struct notifyd *nd)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < NOTIFYD_FDS_MAX ? limit.rlim_max : NOTIFYD_FDS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn(nd->log, "the limit of open files could not be raised");
}

static bool
give_to_group(struct notifyd *nd, const char *path)
{
	struct error err;

	if (run_socket_grant(path, config_str(nd->config, CFG_SOCKET_GROUP), &err))
		return true;
	log_crit(nd->log, "%s", err.message);
	return false;
}

bool
server_open(struct notifyd *nd, const char *path)
{
	static const lws_retry_bo_t idle = { .secs_since_valid_ping = NOTIFYD_PING_SECONDS,
		.secs_since_valid_hangup = NOTIFYD_HANGUP_SECONDS };
	static const struct lws_protocols protocols[] = {
		{ .name = "medianest",
		    .callback = server_callback,
		    .per_session_data_size = sizeof(struct asked) },
		{ .name = NULL },
	};
	struct lws_context_creation_info info = { .port = 0,
		.iface = path,
		.protocols = protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.options = LWS_SERVER_OPTION_UNIX_SOCK | LWS_SERVER_OPTION_DISABLE_IPV6 |
		    LWS_SERVER_OPTION_VALIDATE_UTF8,
		.vhost_name = "medianest",
		.user = nd,
		.retry_and_idle_policy = &idle,
		.max_http_header_data = NOTIFYD_HEADERS_MAX,
		.timeout_secs = CONNECTION_TIMEOUT_SECONDS };
	mode_t mask;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		log_crit(nd->log, "run.dir: the path of the socket is too long: %s", path);
		return false;
	}
	nd->heartbeat_ms =
	    (int)(config_int(nd->config, CFG_NOTIFY_HEARTBEAT) * US_PER_SEC / US_PER_MS);
	nd->tick_ms = nd->heartbeat_ms / NOTIFYD_TICKS < NOTIFYD_TICK_MS ?
	    nd->heartbeat_ms / NOTIFYD_TICKS :
	    NOTIFYD_TICK_MS;
	library_log = nd->log;
	lws_set_log_level(LLL_ERR, library_line);
	limit_descriptors(nd);
	mask = umask(0177);
	nd->lws = lws_create_context(&info);
	umask(mask);
	if (nd->lws == NULL || (nd->vhost = lws_get_vhost_by_name(nd->lws, "medianest")) == NULL ||
	    !give_to_group(nd, path)) {
		log_crit(nd->log, "cannot listen on %s", path);
		return false;
	}
	lws_sul_schedule(nd->lws, 0, &nd->tick, server_tick, nd->tick_ms * US_PER_MS);
	return true;
}

static void
drain_tick(lws_sorted_usec_list_t *sul)
{
	struct notifyd *nd = lws_container_of(sul, struct notifyd, tick);

	lws_sul_schedule(nd->lws, 0, &nd->tick, drain_tick, DRAIN_POLL_MS * US_PER_MS);
}

static bool
server_round(struct notifyd *nd)
{
	int rc;

	manager_alive();
	rc = lws_service(nd->lws, 0);

	arena_reset(&nd->scratch);
	return rc >= 0;
}

void
server_run(struct notifyd *nd, volatile sig_atomic_t *stop)
{
	int64_t deadline;

	while (!*stop && server_round(nd))
		continue;
	/* Tell all clients to reconnect; they then ask for the events that they missed. */
	nd->stopping = true;
	people_close_all(nd, CLOSE_RESTART, "restarting");
	deadline = clock_monotonic() + NOTIFYD_DRAIN_MS * US_PER_MS;
	drain_tick(&nd->tick);
	while (people_count(nd) > 0 && clock_monotonic() < deadline && server_round(nd))
		continue;
}

void
server_close(struct notifyd *nd)
{
	bus_stop(nd);
	feed_stop(nd);
	lws_context_destroy(nd->lws);
}
