/*
 * Redis: fast, and its data may be lost. One connection for each process, opened on first use. Any
 * error or NULL reply frees the context (hiredis 0.14 would give the next caller the previous
 * reply). After a failure, calls fail at once for REDIS_RETRY_MS. Scripts are compiled in from
 * *.lua and sent by EVALSHA, loaded again on NOSCRIPT. Replies belong to the arena. Failure =
 * ERR_UNAVAILABLE with slug redis_unavailable: callers decide whether that matters. The process
 * must ignore SIGPIPE: hiredis may write to a closed connection.
 */
#ifndef MN_STORE_REDIS_H
#define MN_STORE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;
struct log;
struct redis;
struct redisReply;

#define REDIS_CONNECT_MS 200
#define REDIS_COMMAND_MS 250
#define REDIS_RETRY_MS 500

struct redis_script {
	const char *name;
	const char *source;
	char sha1[41];
};

struct redis *redis_new(const char *url, const char *prefix, const char *client_name,
    const struct log *);
void redis_free(struct redis *);
void redis_close(struct redis *);
bool redis_connected(const struct redis *);
const char *redis_prefix(const struct redis *);
/* The server's run_id, read at every connect; "" when not connected. Connects if necessary. */
const char *redis_run_id(struct redis *, struct error *);
/* with prefix */
char *redis_key(struct redis *, struct arena *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int64_t redis_time_us(struct redis *); /* time spent since the last call */

/* Binary-safe arguments; lens NULL: strings. */
bool redis_command(struct redis *, struct arena *, size_t argc, const char *const *argv,
    const size_t *lens, struct redisReply **, struct error *);
#define REDIS_ARGV(...) \
	(sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(char *)), \
	    ((const char *const[]) { __VA_ARGS__ }), NULL
bool redis_eval(struct redis *, struct arena *, struct redis_script *, size_t nkeys, size_t argc,
    const char *const *argv, const size_t *lens, struct redisReply **, struct error *);
bool redis_publish(struct redis *, struct arena *, const char *channel /* without prefix */,
    const char *message, struct error *);

#endif
