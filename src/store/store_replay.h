/*
 * The reads of medianest-notifyd: events that a socket or a person missed, which sessions are still
 * valid, the live settings. They run on a connection that never blocks (pg_async.h): each query is
 * sent when the connection is ready, and its decoded result goes to the hook of that query.
 */
#ifndef MN_STORE_REPLAY_H
#define MN_STORE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/setting.h"
#include "store/pg_async.h"

extern const struct query store_replay_queries[];

/* A notification as sockets receive it. */
struct replay_event {
	const char *id, *type, *data; /* data: JSON object text */
	int64_t seq, created_at;      /* us */
};

/* What follows `after` for one person, oldest first. */
struct replay {
	bool known; /* the person exists; otherwise nothing else is set */
	bool holds; /* the session or API token is valid */
	int64_t last_seq;
	int64_t after;
	const struct replay_event *events;
	size_t n;
};

/* A session or API token of a check whose state differs from the given one. */
struct replay_difference {
	size_t index; /* in the arrays of the check */
	bool holds;
	int64_t last_seq;
};

/* The results, valid during the call. */
struct replay_hooks {
	void (*client)(void *, const struct replay *);
	void (*person)(void *, const struct replay *);
	void (*check)(void *, const struct replay_difference *, size_t n);
	void (*settings)(void *, const struct settings *);
	void *context;
};

struct replay_reader;

/* `connection` without its `rows`. */
struct replay_reader *replay_new(const char *conninfo, int statement_timeout_ms,
    const struct pg_async_hooks *connection, const struct replay_hooks *);
void replay_free(struct replay_reader *);
/* For connecting, giving up, and finding out whether the connection is ready. */
struct pg_async *replay_connection(struct replay_reader *);

/* Only when the connection is ready. The arena is for the parameters. */
struct replay_client_ask {
	const char *user, *sid;
	int64_t generation;
	int64_t after;  /* -1: what was written since `opened` */
	int64_t opened; /* us */
	int limit;
};
void replay_ask_client(struct replay_reader *, struct arena *, const struct replay_client_ask *);
void replay_ask_person(struct replay_reader *, struct arena *, const char *user, int64_t after,
    int limit);
/* Four lists of equal length; seq: the position of each person's sockets. */
struct replay_check_ask {
	struct strings users, sids, generations, seqs;
};
void replay_ask_check(struct replay_reader *, struct arena *, const struct replay_check_ask *);
void replay_ask_settings(struct replay_reader *);

#endif
