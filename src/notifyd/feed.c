#include "notifyd/notifyd.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/config.h"
#include "service/gate/access.h"
#include "store/pg_async.h"
#include "store/store_notifications.h"

#include "core/banned.h"

/*
 * One read at a time: live settings and the check of sessions first, then people and single
 * connections in turn.
 */
enum feed_work { FEED_IDLE, FEED_CLIENT, FEED_PERSON, FEED_CHECK, FEED_SETTINGS };

struct feed {
	struct notifyd *nd;
	struct pg_async *pg;
	struct watch *watch;
	lws_sorted_usec_list_t retry;
	int retry_ms;
	bool complained;
	enum feed_work work;
	struct client *client; /* of the read under way; NULL: gone meanwhile */
	struct person *person;
	struct client *clients, **clients_tail;
	struct person *people, **people_tail;
	bool clients_turn;
	struct client *check_next; /* where the check goes on; NULL: none is due */
	/* of the check under way; NULL: gone meanwhile */
	struct client *checked[NOTIFYD_CHECK_ROWS];
	/* where its person stood when the check was sent */
	int64_t checked_seq[NOTIFYD_CHECK_ROWS];
	size_t nchecked;
	int64_t settings_read; /* monotonic; 0: never */
};

static void feed_next(struct feed *);

static void
feed_readable(void *context)
{
	struct feed *f = context;

	pg_async_io(f->pg);
	arena_reset(&f->nd->scratch);
}

static void
feed_watch(void *context, int fd)
{
	struct feed *f = context;

	watch_remove(f->watch);
	f->watch = fd < 0 ? NULL : watch_add(f->nd, fd, feed_readable, feed_readable, f);
}

static void
feed_write(void *context)
{
	struct feed *f = context;

	watch_write(f->watch);
}

static void
feed_connect(lws_sorted_usec_list_t *sul)
{
	struct feed *f = lws_container_of(sul, struct feed, retry);

	if (!f->nd->stopping)
		pg_async_connect(f->pg);
}

static void
feed_forget_work(struct feed *f)
{
	for (size_t i = 0; i < f->nchecked; i++) {
		if (f->checked[i] != NULL)
			f->checked[i]->check_slot = -1;
	}
	f->nchecked = 0;
	if (f->person != NULL)
		f->person->fetching = false;
	f->person = NULL;
	f->client = NULL;
	f->work = FEED_IDLE;
}

/* What was under way is asked again on the next connection. */
static void
feed_lost(void *context, const char *why)
{
	struct feed *f = context;
	struct client *client = f->client;
	struct person *person = f->person;

	if (!f->complained)
		log_crit(f->nd->log, "PostgreSQL is away: %s", why);
	f->complained = true;
	feed_forget_work(f);
	if (client != NULL)
		feed_client(f->nd, client);
	if (person != NULL)
		feed_person(f->nd, person);
	lws_sul_schedule(f->nd->lws, 0, &f->retry, feed_connect,
	    (lws_usec_t)f->retry_ms * US_PER_MS);
	f->retry_ms =
	    f->retry_ms * 2 > NOTIFYD_RETRY_MAX_MS ? NOTIFYD_RETRY_MAX_MS : f->retry_ms * 2;
}

static void
feed_ready(void *context)
{
	struct feed *f = context;

	if (f->complained)
		log_notice(f->nd->log, "PostgreSQL is back");
	f->complained = false;
	f->retry_ms = NOTIFYD_RETRY_MS;
	feed_next(f);
}

static void
feed_checked(struct feed *f, const struct rows *rows)
{
	size_t i, n = rows_count(rows);

	for (i = 0; i < n; i++) {
		size_t slot = (size_t)rows_int(rows, i, 0) - 1;
		struct client *c = slot < f->nchecked ? f->checked[slot] : NULL;

		if (c == NULL)
			continue;
		if (!rows_bool(rows, i, 1))
			client_session_ended(c);
		else
			people_counter(f->nd, c->person, f->checked_seq[slot],
			    rows_int(rows, i, 2));
	}
}

static void
feed_rows(void *context, const struct rows *rows)
{
	struct feed *f = context;
	enum feed_work work = f->work;
	struct client *client = f->client;
	struct person *person = f->person;

	if (work == FEED_CHECK)
		feed_checked(f, rows);
	else if (work == FEED_SETTINGS)
		access_take_settings(f->nd->config, f->nd->log, rows);
	feed_forget_work(f);
	if (work == FEED_CLIENT && client != NULL)
		people_client_rows(f->nd, client, rows);
	else if (work == FEED_PERSON && person != NULL)
		people_person_rows(f->nd, person, rows);
}

static void
feed_ask_client(struct feed *f)
{
	struct arena *arena = &f->nd->scratch;
	struct client *c = f->clients;
	int64_t from = c->state == CLIENT_VERIFY ? c->after : c->last;

	if ((f->clients = c->feed_next) == NULL)
		f->clients_tail = &f->clients;
	c->feed_next = NULL;
	c->feed_queued = false;
	f->work = FEED_CLIENT;
	f->client = c;
	pg_async_send(f->pg, &store_replay_queries[REPLAY_CLIENT],
	    DB_PARAMS(c->person->user, from < 0 ? NULL : db_int(arena, from),
		db_time(arena, c->opened), c->sid, db_int(arena, c->generation),
		db_int(arena, NOTIFYD_REPLAY_ROWS)));
}

static void
feed_ask_person(struct feed *f)
{
	struct arena *arena = &f->nd->scratch;
	struct person *p = f->people;

	if ((f->people = p->feed_next) == NULL)
		f->people_tail = &f->people;
	p->feed_next = NULL;
	p->feed_queued = false;
	p->fetching = true;
	f->work = FEED_PERSON;
	f->person = p;
	pg_async_send(f->pg, &store_replay_queries[REPLAY_PERSON],
	    DB_PARAMS(p->user, db_int(arena, p->last), db_int(arena, NOTIFYD_REPLAY_ROWS)));
}

/* The next NOTIFYD_CHECK_ROWS connections. */
static void
feed_ask_check(struct feed *f)
{
	struct arena *arena = &f->nd->scratch;
	const char **columns[4];
	struct client *c;
	size_t n = 0, i;

	for (i = 0; i < 4; i++)
		columns[i] = arena_array(arena, NOTIFYD_CHECK_ROWS, sizeof(char *));
	for (c = f->check_next; c != NULL && n < NOTIFYD_CHECK_ROWS; c = c->next) {
		if (c->state != CLIENT_LIVE)
			continue;
		columns[0][n] = c->person->user;
		columns[1][n] = c->sid;
		columns[2][n] = db_int(arena, c->generation);
		columns[3][n] = db_int(arena, c->person->last);
		c->check_slot = (int)n;
		f->checked_seq[n] = c->person->last;
		f->checked[n++] = c;
	}
	f->check_next = c;
	if (n == 0)
		return;
	f->nchecked = n;
	f->work = FEED_CHECK;
	pg_async_send(f->pg, &store_replay_queries[REPLAY_CHECK],
	    DB_PARAMS(db_array(arena, columns[0], n), db_array(arena, columns[1], n),
		db_array(arena, columns[2], n), db_array(arena, columns[3], n)));
}

/* cors.origins may change while running. */
static void
feed_ask_settings(struct feed *f)
{
	f->settings_read = clock_monotonic();
	f->work = FEED_SETTINGS;
	pg_async_send(f->pg, &store_replay_queries[REPLAY_SETTINGS], DB_NO_PARAMS);
}

static void
feed_next(struct feed *f)
{
	if (!pg_async_ready(f->pg) || f->work != FEED_IDLE)
		return;
	if (f->settings_read == 0 ||
	    clock_monotonic() - f->settings_read > NOTIFYD_SETTINGS_MS * US_PER_MS)
		feed_ask_settings(f);
	if (f->work == FEED_IDLE && f->check_next != NULL)
		feed_ask_check(f);
	if (f->work != FEED_IDLE)
		return;
	f->clients_turn = f->clients != NULL && (f->people == NULL || !f->clients_turn);
	if (f->clients_turn)
		feed_ask_client(f);
	else if (f->people != NULL)
		feed_ask_person(f);
}

void
feed_client(struct notifyd *nd, struct client *c)
{
	struct feed *f = nd->feed;

	if (c->feed_queued || c->state == CLIENT_CLOSING)
		return;
	c->feed_queued = true;
	*f->clients_tail = c;
	f->clients_tail = &c->feed_next;
	feed_next(f);
}

void
feed_person(struct notifyd *nd, struct person *p)
{
	struct feed *f = nd->feed;

	if (p->feed_queued)
		return;
	p->feed_queued = true;
	*f->people_tail = p;
	f->people_tail = &p->feed_next;
	feed_next(f);
}

void
feed_forget_client(struct notifyd *nd, struct client *c)
{
	struct feed *f = nd->feed;
	struct client **at;

	if (f->client == c)
		f->client = NULL;
	if (c->check_slot >= 0)
		f->checked[c->check_slot] = NULL;
	if (f->check_next == c)
		f->check_next = c->next;
	if (!c->feed_queued)
		return;
	for (at = &f->clients; *at != c; at = &(*at)->feed_next)
		continue;
	if ((*at = c->feed_next) == NULL)
		f->clients_tail = at;
}

void
feed_forget_person(struct notifyd *nd, struct person *p)
{
	struct feed *f = nd->feed;
	struct person **at;

	if (f->person == p)
		f->person = NULL;
	if (!p->feed_queued)
		return;
	for (at = &f->people; *at != p; at = &(*at)->feed_next)
		continue;
	if ((*at = p->feed_next) == NULL)
		f->people_tail = at;
}

void
feed_tick(struct notifyd *nd)
{
	struct feed *f = nd->feed;
	int64_t busy = pg_async_busy_since(f->pg);

	if (busy != 0 && clock_monotonic() - busy > NOTIFYD_DB_MS * US_PER_MS) {
		pg_async_close(f->pg);
		feed_lost(f, "no answer in time");
		return;
	}
	if (f->check_next == NULL)
		f->check_next = people_first(nd);
	feed_next(f);
}

struct feed *
feed_new(struct notifyd *nd)
{
	struct feed *f = xmalloc(sizeof(*f));
	struct pg_async_hooks hooks = { .watch = feed_watch,
		.write = feed_write,
		.ready = feed_ready,
		.rows = feed_rows,
		.lost = feed_lost,
		.context = f };

	memset(f, 0, sizeof(*f));
	f->nd = nd;
	f->retry_ms = NOTIFYD_RETRY_MS;
	f->clients_tail = &f->clients;
	f->people_tail = &f->people;
	f->pg = pg_async_new(config_str(nd->config, CFG_DATABASE_API_URL), store_replay_queries,
	    NOTIFYD_DB_MS, &hooks);
	return f;
}

void
feed_start(struct notifyd *nd)
{
	pg_async_connect(nd->feed->pg);
}

void
feed_stop(struct notifyd *nd)
{
	lws_sul_schedule(nd->lws, 0, &nd->feed->retry, NULL, LWS_SET_TIMER_USEC_CANCEL);
	pg_async_close(nd->feed->pg);
}

void
feed_free(struct feed *f)
{
	pg_async_free(f->pg);
	free(f);
}
