/*
 * medianest-notifyd: pushes events to WebSockets and EventSources.
 *
 * One thread, one loop: that of libwebsockets. Nothing blocks: Redis is used through hiredis'
 * asynchronous contexts, PostgreSQL through store/pg_async.h; the loop watches both sockets
 * (watch.c).
 *
 *   server.c   requests, the Origin check, libwebsockets' callbacks
 *   client.c   one connection: its bounded queue, writing, closing
 *   people.c   who is connected, and the order of each person's notifications
 *   feed.c     reads from PostgreSQL: replay, gaps, sessions
 *   bus.c      Redis: published events, and tickets
 *   event.c    texts of events, shared by all recipients
 *   edge.c     counts what nginx refuses
 *   watch.c    foreign descriptors in the loop
 *
 * Why no event is lost or sent twice: a person's notifications have a seq without gaps. Events that
 * arrive through Redis in order are passed on; events that arrive out of order, or may be missing,
 * are read from PostgreSQL. A new connection is subscribed first, then reads the events that it
 * missed, and joins the live stream once it has caught up. Every send compares seq.
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

/* interval of session checks, searches for missed rows, and beats; less for quick heartbeats */
#define NOTIFYD_TICK_MS 2000
#define NOTIFYD_TICKS 2 /* at least, in a heartbeat */
/* if Redis has not judged a ticket by then: try again later */
#define NOTIFYD_TICKET_MS 3000
#define NOTIFYD_CLOSE_MS 2000     /* for the last writes of a connection that is being closed */
#define NOTIFYD_STALL_MS 60000    /* a client that reads nothing for this long is dropped */
#define NOTIFYD_PING_SECONDS 25   /* of silence on a WebSocket, then a ping */
#define NOTIFYD_HANGUP_SECONDS 45 /* of silence in spite of the ping */
/* bytes queued for one client; beyond that the client is dropped */
#define NOTIFYD_QUEUE_MAX (256UL << 10)
#define NOTIFYD_QUEUE_LOW (64UL << 10) /* a replay continues below this size */
/* bytes that a client may send in a tick; their content is ignored */
#define NOTIFYD_RECEIVED_MAX (64UL << 10)
#define NOTIFYD_REPLAY_ROWS 200  /* in one read */
#define NOTIFYD_CHECK_ROWS 1000  /* connections in one check of sessions */
#define NOTIFYD_SETTINGS_MS 5000 /* between reads of the live settings */
#define NOTIFYD_DB_MS 5000       /* for one statement */
#define NOTIFYD_RETRY_MS 250     /* first wait before connecting again */
#define NOTIFYD_RETRY_MAX_MS 2000
#define NOTIFYD_DRAIN_MS 2000 /* for closing all connections at the end */
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
	int heartbeat_ms; /* of silence on a connection, then an event that says: still here */
	int tick_ms;
	bool stopping;
};

/* --- event.c --- */

/* JSON text behind LWS_PRE bytes of room; counted references. */
struct event {
	unsigned refs;
	int64_t seq; /* 0: none */
	size_t len;
	unsigned char text[];
};

/* Returns one reference. seq 0: an event without a row; id may be NULL. `data` is JSON. */
struct event *event_new(const char *type, const char *id, int64_t seq, const char *timestamp,
    const char *data);
struct event *event_plain(struct arena *, const char *type); /* of notifyd itself: no id, no data */
struct event *event_of_replay(const struct replay_event *);
struct event *event_hold(struct event *);
void event_release(struct event *);
/* Handles a message of the channel: passes each event to people.c. */
void event_published(struct notifyd *, const char *message, size_t len);

/* --- client.c --- */

enum client_mode { CLIENT_WS, CLIENT_STREAM };
enum client_state {
	CLIENT_TICKET, /* Redis is asked for the ticket */
	CLIENT_VERIFY, /* its person is known; PostgreSQL is asked whether the session is valid */
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
	struct client *prev, *next;               /* all clients */
	struct client *person_prev, *person_next; /* of the same person */
	struct person *person;                    /* from CLIENT_VERIFY on */
	char sid[UUID_TEXT];
	int64_t generation;
	char request_id[REQUEST_ID_MAX];
	char *origin; /* allowed; NULL: none was sent */

	int64_t after;  /* as requested; -1: from now on */
	int64_t opened; /* wall clock, us */
	int64_t last;   /* seq up to which everything has been queued */
	bool caught_up; /* receives the live stream */
	bool resync_due;
	bool replay_waits; /* continues when the queue has drained */

	struct queued *head, **tail;
	size_t queued_bytes;
	int64_t since; /* monotonic: of the state, then of the last write */
	size_t received;
	bool head_sent; /* EventSource: the response has started */
	int status;     /* EventSource: refuse with this instead */
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
/* The same for the live stream: a client whose queue is full is dropped. */
void client_send(struct client *, struct event *);
/* Called when the socket is writable; returns the result of libwebsockets' callback: -1 closes. */
int client_write(struct client *);
/* With `flush`, queued events are sent first. */
void client_close(struct client *, int code, int status, const char *reason, bool flush);
void client_session_ended(struct client *);
void client_accepted(struct client *, const char *user, const char *sid, int64_t generation);
void client_tick(struct client *, int64_t now);

/* --- people.c --- */

struct person {
	struct person *hash_next;
	char user[UUID_TEXT];
	struct client *clients;
	/* seq up to which all clients that have caught up have been served; -1: no client has */
	int64_t last;
	int64_t want;             /* highest known seq */
	struct person *feed_next; /* feed.c */
	bool feed_queued, fetching;
};

struct people *people_new(void);
void people_free(struct people *);
void people_add(struct notifyd *, struct client *); /* to the list of all */
/* from the list of all and from its person */
void people_remove(struct notifyd *, struct client *);
void people_join(struct notifyd *, struct client *, const char *user);
size_t people_count(const struct notifyd *);
bool people_connected(const struct notifyd *, const char *user);
struct client *people_first(const struct notifyd *);
void people_tick(struct notifyd *);
void people_close_all(struct notifyd *, int code, const char *reason);

/* user NULL: all people; events without seq */
void people_event(struct notifyd *, const char *user, struct event *);
void people_notification(struct notifyd *, const char *user, struct event *);
/* sid NULL: all of the user's */
void people_end_session(struct notifyd *, const char *user, const char *sid);
void people_resumed(struct notifyd *); /* Redis is reachable again: events may be missing */
/* Results from PostgreSQL. */
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
void feed_stop(struct notifyd *); /* closes; nothing is read after this */

/* --- bus.c --- */

struct bus *bus_new(struct notifyd *);
void bus_free(struct bus *);
void bus_start(struct notifyd *);
void bus_ticket(struct notifyd *, struct client *, const char *ticket);
void bus_forget_client(struct client *);
void bus_tick(struct notifyd *);
void bus_stop(struct notifyd *); /* closes */

/* --- edge.c --- */

struct edge;

/*
 * Counts what nginx refuses by itself (a limit, a body that is too large, a pool that is gone), as
 * no pool hears of it: nginx sends a line for each to this socket, as it would to syslog. It waits
 * for nobody, and drops what does not fit. Without the socket nothing is counted.
 */
struct edge *edge_start(struct notifyd *, const char *path);
void edge_stop(struct edge *);

/* --- watch.c --- */

struct watch;
typedef void watch_fn(void *);
/* Watches a duplicate of fd; returns NULL on failure. */
struct watch *watch_add(struct notifyd *, int fd, watch_fn *readable, watch_fn *writable,
    void *context);
void watch_write(struct watch *);  /* `writable` once, soon */
void watch_remove(struct watch *); /* NULL is fine; from within the callbacks too */
int watch_callback(struct lws *, enum lws_callback_reasons); /* RAW_*_FILE */

/* --- server.c --- */

/* Listens on path; on failure, returns false after logging. */
bool server_open(struct notifyd *, const char *path);
void server_run(struct notifyd *, volatile sig_atomic_t *stop);
void server_close(struct notifyd *); /* before bus, feed and people are freed */

#endif
