/*
 * medianest-notifyd: pushes events to WebSockets and EventSources.
 *
 * One thread, one loop: libwebsockets' own. Nothing here waits: Redis is spoken to through hiredis'
 * asynchronous contexts, PostgreSQL through store/pg_async.h; both sockets are adopted by the loop
 * (watch.c).
 *
 *   server.c   requests, the Origin check, libwebsockets' callbacks
 *   client.c   one connection: its bounded queue, writing, closing
 *   people.c   who is connected, and the order of each person's notifications
 *   feed.c     reads from PostgreSQL: replay, gaps, sessions
 *   bus.c      Redis: what is published, and tickets
 *   event.c    texts that are shared by all who are sent them
 *   watch.c    foreign descriptors in the loop
 *
 * How nothing is lost and nothing doubled: a person's notifications have a seq without gaps. What
 * comes by Redis in order is passed on; whatever comes out of order, or may not have come at all,
 * is read from PostgreSQL. A new connection is subscribed first, reads what it missed, and takes
 * part in the live stream once it has caught up. Every send compares seq.
 */
#ifndef MN_NOTIFYD_NOTIFYD_H
#define MN_NOTIFYD_NOTIFYD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libwebsockets.h>

#include "core/arena.h"
#include "core/id.h"
#include "core/log.h"

struct cJSON;
struct config;
struct replay;
struct replay_event;

/* sessions are checked, missed rows looked for, beats sent */
#define NOTIFYD_TICK_MS 2000
/* a ticket that Redis has not judged by then: try again later */
#define NOTIFYD_TICKET_MS 3000
#define NOTIFYD_CLOSE_MS 2000     /* for the last words of a connection that is closed */
#define NOTIFYD_STALL_MS 60000    /* a reader that takes nothing for so long is dropped */
#define NOTIFYD_PING_SECONDS 25   /* of silence on a WebSocket, then a ping */
#define NOTIFYD_HANGUP_SECONDS 45 /* of silence in spite of it */
#define NOTIFYD_COMMENT_MS 20000  /* of silence on an EventSource, then a comment line */
/* bytes waiting for one reader; past it the reader is dropped */
#define NOTIFYD_QUEUE_MAX (256UL << 10)
#define NOTIFYD_QUEUE_LOW (64UL << 10) /* a replay goes on below it */
/* bytes that a client may send in a tick: nothing is read from them */
#define NOTIFYD_RECEIVED_MAX (64UL << 10)
#define NOTIFYD_REPLAY_ROWS 200  /* in one read */
#define NOTIFYD_CHECK_ROWS 1000  /* connections in one check of sessions */
#define NOTIFYD_SETTINGS_MS 5000 /* between looks at the live settings */
#define NOTIFYD_DB_MS 5000       /* for one statement */
#define NOTIFYD_RETRY_MS 250     /* first wait before connecting again */
#define NOTIFYD_RETRY_MAX_MS 2000
#define NOTIFYD_DRAIN_MS 2000 /* for closing everybody at the end */
#define NOTIFYD_FDS_MAX 16384
#define NOTIFYD_HEADERS_MAX 8192 /* bytes of a request */

/* Close codes of RFC 6455 section 7.4 and our own. */
enum { CLOSE_POLICY = 1008, CLOSE_RESTART = 1012, CLOSE_TRY_LATER = 1013, CLOSE_SESSION = 4401 };

struct bus;
struct feed;
struct people;

struct notifyd {
	struct lws_context *lws;
	struct lws_vhost *vhost;
	struct config *config;
	struct log *log;
	/*
	 * Of one round of the loop. No callback resets it: libwebsockets calls back from inside its
	 * own functions (lws_callback_on_writable(), adoption), while their caller still uses it.
	 */
	struct arena scratch;
	struct bus *bus;
	struct feed *feed;
	struct people *people;
	lws_sorted_usec_list_t tick;
	bool stopping;
};

/* --- event.c --- */

/* JSON text behind LWS_PRE bytes of room; counted references. */
struct event {
	unsigned refs;
	int64_t seq; /* 0: has none */
	size_t len;
	unsigned char text[];
};

/* Answers one reference. seq 0: an event without a row; id may be NULL. `data` is JSON. */
struct event *event_new(const char *type, const char *id, int64_t seq, const char *timestamp,
    const char *data);
struct event *event_plain(struct arena *, const char *type); /* of notifyd itself: no id, no data */
struct event *event_of_replay(const struct replay_event *);
struct event *event_hold(struct event *);
void event_release(struct event *);
/* What came on the channel: gives each event to people.c. */
void event_published(struct notifyd *, const char *message, size_t len);

/* --- client.c --- */

enum client_mode { CLIENT_WS, CLIENT_STREAM };
enum client_state {
	CLIENT_TICKET, /* Redis is asked for the ticket */
	CLIENT_VERIFY, /* whose it is is known; PostgreSQL is asked whether the session holds */
	CLIENT_LIVE,
	CLIENT_CLOSING,
};

struct queued {
	struct queued *next;
	struct event *event;
};

struct client {
	struct lws *wsi;
	struct notifyd *nd;
	enum client_mode mode;
	enum client_state state;
	struct client *prev, *next;               /* everybody */
	struct client *person_prev, *person_next; /* of the same person */
	struct person *person;                    /* from CLIENT_VERIFY on */
	char sid[UUID_TEXT];
	int64_t generation;
	char request_id[REQUEST_ID_MAX];
	char *origin; /* allowed; NULL: none was sent */

	int64_t after;  /* as asked for; -1: from now on */
	int64_t opened; /* wall clock, us */
	int64_t last;   /* seq up to which everything has been queued */
	bool caught_up; /* takes part in the live stream */
	bool resync_due;
	bool replay_waits; /* goes on when the queue has drained */

	struct queued *head, **tail;
	size_t queued_bytes;
	int64_t since; /* monotonic: of the state, then of the last write */
	size_t received;
	bool head_sent; /* EventSource: the answer has begun */
	bool comment_due;
	int status; /* EventSource: refuse with this instead */
	int close_code;
	const char *close_reason;
	bool counted;

	struct ticket_check *check; /* bus.c; outlives the client */
	struct client *feed_next;   /* feed.c: waits for a replay */
	bool feed_queued;
	int check_slot; /* feed.c: place in the check under way, or -1 */
};

struct client *client_new(struct notifyd *, struct lws *, enum client_mode);
void client_free(struct client *);
/* Queues a reference of its own. False when there is no room. */
bool client_queue(struct client *, struct event *);
/* The same for the live stream: a reader without room is dropped. */
void client_send(struct client *, struct event *);
/* Called when the socket takes more; answers what libwebsockets' callback answers: -1 closes. */
int client_write(struct client *);
/* What is queued goes out first when `flush`. */
void client_close(struct client *, int code, int status, const char *reason, bool flush);
void client_session_ended(struct client *);
void client_accepted(struct client *, const char *user, const char *sid, int64_t generation);
void client_tick(struct client *, int64_t now);

/* --- people.c --- */

struct person {
	struct person *hash_next;
	char user[UUID_TEXT];
	struct client *clients;
	/* seq up to which everybody who caught up has been served; -1: nobody has */
	int64_t last;
	int64_t want;             /* highest seq heard of */
	struct person *feed_next; /* feed.c */
	bool feed_queued, fetching;
};

struct people *people_new(void);
void people_free(struct people *);
void people_add(struct notifyd *, struct client *);    /* to everybody */
void people_remove(struct notifyd *, struct client *); /* from everybody and from its person */
void people_join(struct notifyd *, struct client *, const char *user);
size_t people_count(const struct notifyd *);
bool people_connected(const struct notifyd *, const char *user);
struct client *people_first(const struct notifyd *);
void people_tick(struct notifyd *);
void people_close_all(struct notifyd *, int code, const char *reason);

/* user NULL: everybody. Without seq */
void people_event(struct notifyd *, const char *user, struct event *);
void people_notification(struct notifyd *, const char *user, struct event *);
/* sid NULL: all of the user's */
void people_end_session(struct notifyd *, const char *user, const char *sid);
void people_resumed(struct notifyd *); /* Redis is back: events may have been missed */
/* Answers of PostgreSQL. */
void people_client_replay(struct notifyd *, struct client *, const struct replay *);
void people_person_replay(struct notifyd *, struct person *, const struct replay *);
void people_counter(struct notifyd *, struct person *, int64_t asked, int64_t last_seq);

/* --- feed.c --- */

struct feed *feed_new(struct notifyd *);
void feed_free(struct feed *);
void feed_start(struct notifyd *);
void feed_client(struct notifyd *, struct client *); /* a replay from client->last, or its first */
void feed_person(struct notifyd *, struct person *); /* rows after person->last */
void feed_forget_client(struct notifyd *, struct client *);
void feed_forget_person(struct notifyd *, struct person *);
void feed_tick(struct notifyd *);
void feed_stop(struct notifyd *); /* closes; nothing is read any more */

/* --- bus.c --- */

struct bus *bus_new(struct notifyd *);
void bus_free(struct bus *);
void bus_start(struct notifyd *);
void bus_ticket(struct notifyd *, struct client *, const char *ticket);
void bus_forget_client(struct client *);
void bus_tick(struct notifyd *);
void bus_stop(struct notifyd *); /* closes */

/* --- watch.c --- */

struct watch;
typedef void watch_fn(void *);
/* Watches a duplicate of fd; NULL when that cannot be had. */
struct watch *watch_add(struct notifyd *, int fd, watch_fn *readable, watch_fn *writable,
    void *context);
void watch_write(struct watch *);  /* `writable` once, soon */
void watch_remove(struct watch *); /* NULL is fine; from within the callbacks too */
int watch_callback(struct lws *, enum lws_callback_reasons); /* RAW_*_FILE */

/* --- server.c --- */

/* Listens on path; false with a line in the log. */
bool server_open(struct notifyd *, const char *path);
void server_run(struct notifyd *, volatile sig_atomic_t *stop);
void server_close(struct notifyd *); /* before bus, feed and people are freed */

#endif
