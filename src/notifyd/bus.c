#include "notifyd/notifyd.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "service/notify/notify.h"
#include "service/notify/notify_inbox.h"
#include "store/redis_url.h"

#include "core/banned.h"

#define BUS_NAME_MAX 128 /* of a channel or key */
#define BUS_BEATS_MAX 2  /* beats without a reply, then both connections are opened again */

/* A connection: one subscribes, the other sends commands. */
struct link {
	struct bus *bus;
	const char *name;
	redisAsyncContext *ac;
	struct watch *watch;
	lws_sorted_usec_list_t retry;
	int retry_ms;
	bool complained;
};

struct bus {
	struct notifyd *nd;
	struct redis_url url;
	struct link subscriber, commands;
	char events[BUS_NAME_MAX], beat[BUS_NAME_MAX]; /* channels */
	unsigned beats;                                /* sent and not received back */
	bool subscribed;
};

/* Outlives its client. */
struct ticket_check {
	struct client *client;
};

static void link_connect(lws_sorted_usec_list_t *);

static void
link_readable(void *context)
{
	struct link *l = context;

	if (l->ac != NULL)
		redisAsyncHandleRead(l->ac);
}

static void
link_writable(void *context)
{
	struct link *l = context;

	if (l->ac != NULL)
		redisAsyncHandleWrite(l->ac);
}

/* libwebsockets always reads. */
static void
link_read(void *context)
{
}

static void
link_write(void *context)
{
	watch_write(((struct link *)context)->watch);
}

/* hiredis has closed the connection, for any reason. */
static void
link_gone(void *context)
{
	struct link *l = context;
	struct bus *b = l->bus;

	watch_remove(l->watch);
	l->watch = NULL;
	l->ac = NULL;
	if (l == &b->subscriber)
		b->subscribed = false;
	if (b->nd->stopping)
		return;
	if (!l->complained)
		log_crit(b->nd->log, "Redis is not reachable (%s)", l->name);
	l->complained = true;
	lws_sul_schedule(b->nd->lws, 0, &l->retry, link_connect,
	    (lws_usec_t)l->retry_ms * US_PER_MS);
	l->retry_ms =
	    l->retry_ms * 2 > NOTIFYD_RETRY_MAX_MS ? NOTIFYD_RETRY_MAX_MS : l->retry_ms * 2;
}

static void
link_drop(struct link *l)
{
	if (l->ac != NULL)
		redisAsyncFree(l->ac);
}

/* If the password or database is refused, the commands that follow fail too. */
static void
on_setting(redisAsyncContext *ac, void *reply, void *context)
{
	struct link *l = context;
	const redisReply *r = reply;

	if (r != NULL && r->type == REDIS_REPLY_ERROR && !l->complained) {
		l->complained = true;
		log_crit(l->bus->nd->log, "Redis refused a command (%s): %.100s", l->name, r->str);
	}
}

static void
on_message(redisAsyncContext *ac, void *reply, void *context)
{
	struct bus *b = context;
	const redisReply *r = reply;

	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements != 3 ||
	    r->element[0]->type != REDIS_REPLY_STRING || r->element[1]->type != REDIS_REPLY_STRING)
		return;
	if (strcmp(r->element[0]->str, "subscribe") == 0 &&
	    strcmp(r->element[1]->str, b->events) == 0) {
		if (b->subscriber.complained)
			log_notice(b->nd->log, "Redis is reachable again");
		b->subscriber.complained = false;
		b->subscriber.retry_ms = NOTIFYD_RETRY_MS;
		b->subscribed = true;
		b->beats = 0;
		people_resumed(b->nd);
	} else if (strcmp(r->element[0]->str, "message") == 0 &&
	    r->element[2]->type == REDIS_REPLY_STRING) {
		if (strcmp(r->element[1]->str, b->beat) == 0)
			b->beats = 0;
		else
			event_published(b->nd, r->element[2]->str, (size_t)r->element[2]->len);
	}
}

static void
link_greet(struct link *l)
{
	struct bus *b = l->bus;

	if (b->url.password[0] != '\0' && b->url.user[0] != '\0')
		redisAsyncCommand(l->ac, on_setting, l, "AUTH %s %s", b->url.user, b->url.password);
	else if (b->url.password[0] != '\0')
		redisAsyncCommand(l->ac, on_setting, l, "AUTH %s", b->url.password);
	if (b->url.db != 0)
		redisAsyncCommand(l->ac, on_setting, l, "%s %d", "SELECT", b->url.db);
	redisAsyncCommand(l->ac, on_setting, l, "CLIENT SETNAME medianest-notifyd");
	if (l == &b->subscriber)
		redisAsyncCommand(l->ac, on_message, b, "SUBSCRIBE %s %s", b->events, b->beat);
}

static void
on_connect(const redisAsyncContext *ac, int status)
{
	struct link *l = ac->ev.data;

	if (status != REDIS_OK)
		return;
	if (l == &l->bus->commands) {
		l->complained = false;
		l->retry_ms = NOTIFYD_RETRY_MS;
	}
}

static void
link_connect(lws_sorted_usec_list_t *sul)
{
	struct link *l = lws_container_of(sul, struct link, retry);
	struct bus *b = l->bus;
	redisAsyncContext *ac;

	ac = b->url.path[0] != '\0' ? redisAsyncConnectUnix(b->url.path) :
				      redisAsyncConnect(b->url.host, b->url.port);
	if (ac == NULL || ac->err != 0) {
		if (ac != NULL)
			redisAsyncFree(ac);
		link_gone(l);
		return;
	}
	l->ac = ac;
	l->watch = watch_add(b->nd, ac->c.fd, link_readable, link_writable, l);
	ac->ev.data = l;
	ac->ev.addRead = ac->ev.delRead = link_read;
	ac->ev.delWrite = link_read;
	ac->ev.addWrite = link_write;
	ac->ev.cleanup = link_gone;
	redisAsyncSetConnectCallback(ac, on_connect);
	link_greet(l);
}

static void
on_ticket(redisAsyncContext *ac, void *reply, void *context)
{
	struct ticket_check *check = context;
	struct client *c = check->client;
	const redisReply *r = reply;
	struct error err = { 0 };
	const struct cJSON *tree = NULL;

	free(check);
	if (c == NULL)
		return;
	c->check = NULL;
	if (r == NULL || (r->type != REDIS_REPLY_NIL && r->type != REDIS_REPLY_STRING)) {
		client_close(c, CLOSE_TRY_LATER, 503, "try again", false);
		return;
	}
	if (r->type == REDIS_REPLY_STRING)
		tree = json_parse(&c->nd->scratch, r->str, (size_t)r->len, &err);
	if (tree != NULL && uuid_valid(json_str(tree, "user", "")) &&
	    uuid_valid(json_str(tree, "sid", "")))
		client_accepted(c, json_str(tree, "user", ""), json_str(tree, "sid", ""),
		    json_int(tree, "generation", 0));
	else
		client_close(c, CLOSE_SESSION, 401, "ticket unknown", false);
}

void
bus_ticket(struct notifyd *nd, struct client *c, const char *ticket)
{
	struct link *l = &nd->bus->commands;
	struct ticket_check *check;
	char key[BUS_NAME_MAX];

	if (strlen(ticket) != TICKET_TEXT) {
		client_close(c, CLOSE_SESSION, 401, "ticket unknown", false);
		return;
	}
	lws_snprintf(key, sizeof(key), "%sticket:%s", config_str(nd->config, CFG_REDIS_PREFIX),
	    ticket);
	check = xmalloc(sizeof(*check));
	check->client = c;
	if (l->ac == NULL ||
	    redisAsyncCommand(l->ac, on_ticket, check, "GETDEL %s", key) != REDIS_OK) {
		free(check);
		client_close(c, CLOSE_TRY_LATER, 503, "try again", false);
		return;
	}
	c->check = check;
}

void
bus_forget_client(struct client *c)
{
	if (c->check != NULL)
		c->check->client = NULL;
}

/* Sends a message to ourselves, which tests both connections. */
void
bus_tick(struct notifyd *nd)
{
	struct bus *b = nd->bus;

	if (b->beats >= BUS_BEATS_MAX) {
		b->beats = 0;
		link_drop(&b->subscriber);
		link_drop(&b->commands);
	} else if (b->subscribed && b->commands.ac != NULL) {
		b->beats++;
		redisAsyncCommand(b->commands.ac, NULL, NULL, "PUBLISH %s -", b->beat);
	}
}

struct bus *
bus_new(struct notifyd *nd)
{
	struct bus *b = xmalloc(sizeof(*b));
	const char *prefix = config_str(nd->config, CFG_REDIS_PREFIX);
	char self[UUID_TEXT];

	memset(b, 0, sizeof(*b));
	b->nd = nd;
	if (!redis_url_parse(config_str(nd->config, CFG_REDIS_URL), &b->url)) {
		log_error(nd->log, "redis.url: %s", b->url.problem);
		free(b);
		return NULL;
	}
	uuid_v7(self);
	lws_snprintf(b->events, sizeof(b->events), "%s%s", prefix, NOTIFY_CHANNEL);
	lws_snprintf(b->beat, sizeof(b->beat), "%snotifyd:%s", prefix, self);
	b->subscriber =
	    (struct link) { .bus = b, .name = "subscriber", .retry_ms = NOTIFYD_RETRY_MS };
	b->commands = (struct link) { .bus = b, .name = "commands", .retry_ms = NOTIFYD_RETRY_MS };
	return b;
}

void
bus_start(struct notifyd *nd)
{
	link_connect(&nd->bus->subscriber.retry);
	link_connect(&nd->bus->commands.retry);
}

void
bus_stop(struct notifyd *nd)
{
	struct bus *b = nd->bus;

	lws_sul_cancel(&b->subscriber.retry);
	lws_sul_cancel(&b->commands.retry);
	link_drop(&b->subscriber);
	link_drop(&b->commands);
}

void
bus_free(struct bus *b)
{
	free(b);
}
