/*
 * Redis through hiredis: see redis.h. The connection is closed after any error on the wire, so that
 * no reply can be taken for that of another command.
 */
#include "store/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/str.h"
#include "store/redis_url.h"
#include "core/banned.h"

#define EVAL_ARGS 3 /* EVALSHA, the hash, the number of keys */
#define RUN_ID_MAX 64
#define KEY_MAX 512

struct redis {
	struct redis_url url;
	char *prefix, *client_name;
	const struct log *log;
	redisContext *ctx;
	char run_id[RUN_ID_MAX];
	int64_t retry_at; /* monotonic us */
	int64_t spent;    /* us */
	bool counted;     /* in the metrics, as open */
	bool was_lost;    /* the last connection did not end by our own wish */
};

struct redis *
redis_new(const char *url, const char *prefix, const char *client_name, const struct log *log)
{
	struct redis *r = xmalloc(sizeof(*r));

	*r = (struct redis) {
		.prefix = xstrdup(prefix),
		.client_name = xstrdup(client_name),
		.log = log,
	};
	redis_url_parse(url, &r->url);
	return r;
}

void
redis_free(struct redis *r)
{
	if (r == NULL)
		return;
	redis_close(r);
	free(r->prefix);
	free(r->client_name);
	free(r);
}

void
redis_close(struct redis *r)
{
	if (r->ctx != NULL)
		redisFree(r->ctx);
	r->ctx = NULL;
	r->run_id[0] = '\0';
	if (r->counted)
		metric_gauge_add(METRIC_REDIS_CONNECTIONS, UNLABELLED, -1);
	r->counted = false;
}

bool
redis_connected(const struct redis *r)
{
	return r->ctx != NULL;
}

const char *
redis_prefix(const struct redis *r)
{
	return r->prefix;
}

int64_t
redis_time_us(struct redis *r)
{
	int64_t spent = r->spent;

	r->spent = 0;
	return spent;
}

static bool
unavailable(struct redis *r, struct error *err, const char *what, const char *detail)
{
	metric_add(METRIC_REDIS_ERRORS, UNLABELLED, 1);
	error_slug(err, ERR_UNAVAILABLE, "redis_unavailable",
	    "A part of the server is not reachable right now. Try again shortly.");
	return error_detail(err, "redis %s: %s", what, detail);
}

/* The connection is no longer usable; the next attempts wait. */
static bool
lost(struct redis *r, const char *what, struct error *err)
{
	char detail[160];

	snprintf(detail, sizeof(detail), "%s", r->ctx != NULL ? r->ctx->errstr : "out of memory");
	redis_close(r);
	r->was_lost = true;
	r->retry_at = clock_monotonic() + REDIS_RETRY_MS * US_PER_MS;
	return unavailable(r, err, what, detail);
}

/* Reads one reply of the greeting; an error reply makes the connection unusable. */
static bool
greeting_reply(struct redis *r, const char *what, redisReply **out, struct error *err)
{
	void *reply = NULL;

	if (redisGetReply(r->ctx, &reply) != REDIS_OK || reply == NULL)
		return lost(r, what, err);
	*out = reply;
	if ((*out)->type == REDIS_REPLY_ERROR) {
		snprintf(r->ctx->errstr, sizeof(r->ctx->errstr), "%.100s", (*out)->str);
		freeReplyObject(reply);
		return lost(r, what, err);
	}
	return true;
}

static void
run_id_read(struct redis *r, const redisReply *info)
{
	const char *p = info->type == REDIS_REPLY_STRING ? strstr(info->str, "run_id:") : NULL;

	if (p != NULL) {
		p += strlen("run_id:");
		snprintf(r->run_id, sizeof(r->run_id), "%.*s", (int)strcspn(p, "\r\n"), p);
	}
}

/* AUTH, SELECT, CLIENT SETNAME and INFO in one round trip. */
static bool
greet(struct redis *r, struct error *err)
{
	const struct redis_url *u = &r->url;
	redisReply *reply = NULL;
	int n = 2;

	if (u->password[0] != '\0') {
		if (u->user[0] != '\0')
			redisAppendCommand(r->ctx, "AUTH %s %s", u->user, u->password);
		else
			redisAppendCommand(r->ctx, "AUTH %s", u->password);
		n++;
	}
	if (u->db != 0) {
		redisAppendCommand(r->ctx, "SELECT %d", u->db);
		n++;
	}
	redisAppendCommand(r->ctx, "CLIENT SETNAME %s", r->client_name);
	redisAppendCommand(r->ctx, "INFO server");
	while (n-- > 0) {
		if (!greeting_reply(r, "greeting", &reply, err))
			return false;
		if (n == 0)
			run_id_read(r, reply);
		freeReplyObject(reply);
	}
	if (r->run_id[0] == '\0') {
		snprintf(r->ctx->errstr, sizeof(r->ctx->errstr), "INFO names no run_id");
		return lost(r, "greeting", err);
	}
	return true;
}

static bool
open_connection(struct redis *r, struct error *err)
{
	const struct timeval connect = { .tv_usec = REDIS_CONNECT_MS * 1000L },
			     command = { .tv_usec = REDIS_COMMAND_MS * 1000L };

	if (r->ctx != NULL)
		return true;
	if (r->url.problem != NULL)
		return unavailable(r, err, "url", r->url.problem);
	if (clock_monotonic() < r->retry_at)
		return unavailable(r, err, "connect",
		    "waiting before the next attempt, after a failure");
	r->ctx = r->url.path[0] != '\0' ?
	    redisConnectUnixWithTimeout(r->url.path, connect) :
	    redisConnectWithTimeout(r->url.host, r->url.port, connect);
	if (r->ctx == NULL || r->ctx->err != 0 || redisSetTimeout(r->ctx, command) != REDIS_OK)
		return lost(r, "connect", err);
	if (!greet(r, err))
		return false;
	metric_gauge_add(METRIC_REDIS_CONNECTIONS, UNLABELLED, 1);
	if (r->was_lost)
		metric_add(METRIC_REDIS_RECONNECTS, UNLABELLED, 1);
	r->counted = true;
	r->was_lost = false;
	return true;
}

static void
free_reply(void *reply)
{
	freeReplyObject(reply);
}

/*
 * Was the connection closed by the other end before it saw the command? A timeout is another case.
 */
static bool
was_stale(const struct redis *r)
{
	return r->ctx->err == REDIS_ERR_EOF ||
	    (r->ctx->err == REDIS_ERR_IO && (errno == EPIPE || errno == ECONNRESET));
}

/*
 * Returns the reply, which may be an error of the server; NULL: no connection, err is set. If an
 * old connection turns out to be dead, it is opened again once.
 */
static redisReply *
call(struct redis *r, struct arena *arena, size_t argc, const char *const *argv, const size_t *lens,
    struct error *err)
{
	int64_t start = clock_monotonic();
	redisReply *reply = NULL;

	for (int attempt = 0; attempt < 2; attempt++) {
		bool fresh = r->ctx == NULL;

		if (!open_connection(r, err))
			break;
		errno = 0;
		reply = redisCommandArgv(r->ctx, (int)argc, (const char **)(uintptr_t)argv, lens);
		if (reply != NULL)
			break;
		if (fresh || !was_stale(r)) {
			lost(r, argv[0], err);
			break;
		}
		redis_close(r);
		r->was_lost = true;
	}
	r->spent += clock_monotonic() - start;
	if (reply != NULL)
		arena_defer(arena, free_reply, reply);
	return reply;
}

static bool
judge(struct redis *r, const char *what, redisReply *reply, redisReply **out, struct error *err)
{
	if (reply == NULL)
		return false;
	if (reply->type == REDIS_REPLY_ERROR)
		return unavailable(r, err, what, reply->str);
	if (out != NULL)
		*out = reply;
	return true;
}

bool
redis_command(struct redis *r, struct arena *arena, size_t argc, const char *const *argv,
    const size_t *lens, redisReply **out, struct error *err)
{
	return judge(r, argv[0], call(r, arena, argc, argv, lens, err), out, err);
}

static void
script_name(struct redis_script *script)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[64];
	struct digest *d;
	size_t len;

	if (script->sha1[0] != '\0')
		return;
	d = digest_new("sha1");
	digest_update(d, script->source, strlen(script->source));
	len = digest_final(d, raw);
	for (size_t i = 0; i < len; i++) {
		script->sha1[2 * i] = digits[raw[i] >> 4];
		script->sha1[2 * i + 1] = digits[raw[i] & 15];
	}
	script->sha1[2 * len] = '\0';
}

bool
redis_eval(struct redis *r, struct arena *arena, struct redis_script *script, size_t nkeys,
    size_t argc, const char *const *argv, const size_t *lens, redisReply **out, struct error *err)
{
	const char **all = arena_array(arena, argc + EVAL_ARGS, sizeof(*all));
	size_t *all_lens = arena_array(arena, argc + EVAL_ARGS, sizeof(*all_lens));
	char count[24];
	redisReply *reply;

	script_name(script);
	snprintf(count, sizeof(count), "%zu", nkeys);
	all[0] = "EVALSHA", all[1] = script->sha1, all[2] = count;
	for (size_t i = 0; i < argc; i++) {
		all[i + EVAL_ARGS] = argv[i];
		all_lens[i + EVAL_ARGS] = lens != NULL ? lens[i] : strlen(argv[i]);
	}
	for (size_t i = 0; i < EVAL_ARGS; i++)
		all_lens[i] = strlen(all[i]);
	reply = call(r, arena, argc + EVAL_ARGS, all, all_lens, err);
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR &&
	    str_starts(reply->str, "NOSCRIPT")) {
		all[0] = "EVAL", all[1] = script->source;
		all_lens[0] = strlen(all[0]), all_lens[1] = strlen(all[1]);
		reply = call(r, arena, argc + EVAL_ARGS, all, all_lens, err);
	}
	return judge(r, script->name, reply, out, err);
}

const char *
redis_run_id(struct redis *r, struct error *err)
{
	return open_connection(r, err) ? r->run_id : "";
}

char *
redis_key(struct redis *r, struct arena *arena, const char *fmt, ...)
{
	char name[KEY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	return arena_printf(arena, "%s%s", r->prefix, name);
}

bool
redis_publish(struct redis *r, struct arena *arena, const char *channel, const char *message,
    struct error *err)
{
	const char *argv[] = { "PUBLISH", redis_key(r, arena, "%s", channel), message };

	return redis_command(r, arena, 3, argv, NULL, NULL, err);
}
