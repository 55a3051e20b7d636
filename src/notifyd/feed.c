#include "notifyd/notifyd.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/config.h"
#include "service/gate/access.h"
#include "store/pg.h"
#include "store/pg_async.h"
#include "store/store_replay.h"

#include "core/banned.h"

/*
 * One read at a time: live settings and the check of sessions first, then people and single
 * connections in turn.
 */
enum feed_work { FEED_IDLE, FEED_CLIENT, FEED_PERSON, FEED_CHECK, FEED_SETTINGS };

struct feed {
	struct notifyd *nd;
	struct replay_reader *reader;
	struct pg_async *pg; /* the reader's */
	struct watch *watch;
	lws_sorted_usec_list_t retry;
	int retry_ms;
	bool complained;
	enum feed_work work;
	struct client *client; /* of the current read; NULL: gone since */
	struct person *person;
	struct client *clients, **clients_tail;
	struct person *people, **people_tail;
	bool clients_turn;
	struct client *check_next; /* where the check continues; NULL: none is due */
	/* of the current check; NULL: gone since */
	struct client *checked[NOTIFYD_CHECK_ROWS];
	/* the person's position when the check was sent */
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

/* The interrupted read is repeated on the next connection. */
static void
feed_lost(void *context, const char *why)
{
	struct feed *f = context;
	struct client *client = f->client;
	struct person *person = f->person;

	if (!f->complained)
		log_crit(f->nd->log, "PostgreSQL is not reachable: %s", why);
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
		log_notice(f->nd->log, "PostgreSQL is reachable again");
	f->complained = false;
	f->retry_ms = NOTIFYD_RETRY_MS;
	feed_next(f);
}

static void
feed_checked(void *context, const struct replay_difference *list, size_t n)
{
	struct feed *f = context;

	for (size_t i = 0; i < n; i++) {
		size_t slot = list[i].index;
		struct client *c = slot < f->nchecked ? f->checked[slot] : NULL;

		if (c == NULL)
			continue;
		if (!list[i].holds)
			client_session_ended(c);
		else
			people_counter(f->nd, c->person, f->checked_seq[slot], list[i].last_seq);
	}
	feed_forget_work(f);
}

static void
feed_settings(void *context, const struct settings *settings)
{
	struct feed *f = context;

	access_take_settings(f->nd->config, f->nd->log, settings);
	feed_forget_work(f);
}

static void
feed_client_replay(void *context, const struct replay *replay)
{
	struct feed *f = context;
	struct client *client = f->client;

	feed_forget_work(f);
	if (client != NULL)
		people_client_replay(f->nd, client, replay);
}

static void
feed_person_replay(void *context, const struct replay *replay)
{
	struct feed *f = context;
	struct person *person = f->person;

	feed_forget_work(f);
	if (person != NULL)
		people_person_replay(f->nd, person, replay);
}

static void
feed_ask_client(struct feed *f)
{
	struct client *c = f->clients;
	const struct replay_client_ask ask = {
		.user = c->person->user,
		.sid = c->sid,
		.generation = c->generation,
		.after = c->state == CLIENT_VERIFY ? c->after : c->last,
		.opened = c->opened,
		.limit = NOTIFYD_REPLAY_ROWS,
	};

	if ((f->clients = c->feed_next) == NULL)
		f->clients_tail = &f->clients;
	c->feed_next = NULL;
	c->feed_queued = false;
	f->work = FEED_CLIENT;
	f->client = c;
	replay_ask_client(f->reader, &f->nd->scratch, &ask);
}

static void
feed_ask_person(struct feed *f)
{
	struct person *p = f->people;

	if ((f->people = p->feed_next) == NULL)
		f->people_tail = &f->people;
	p->feed_next = NULL;
	p->feed_queued = false;
	p->fetching = true;
	f->work = FEED_PERSON;
	f->person = p;
	replay_ask_person(f->reader, &f->nd->scratch, p->user, p->last, NOTIFYD_REPLAY_ROWS);
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
	replay_ask_check(f->reader, arena,
	    &(const struct replay_check_ask) {
		.users = { columns[0], n },
		.sids = { columns[1], n },
		.generations = { columns[2], n },
		.seqs = { columns[3], n },
	    });
}

/* cors.origins may change while running. */
static void
feed_ask_settings(struct feed *f)
{
	f->settings_read = clock_monotonic();
	f->work = FEED_SETTINGS;
	replay_ask_settings(f->reader);
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
		.lost = feed_lost,
		.context = f };
	struct replay_hooks answers = { .client = feed_client_replay,
		.person = feed_person_replay,
		.check = feed_checked,
		.settings = feed_settings,
		.context = f };

	memset(f, 0, sizeof(*f));
	f->nd = nd;
	f->retry_ms = NOTIFYD_RETRY_MS;
	f->clients_tail = &f->clients;
	f->people_tail = &f->people;
	f->reader = replay_new(config_str(nd->config, CFG_DATABASE_API_URL), NOTIFYD_DB_MS, &hooks,
	    &answers);
	f->pg = replay_connection(f->reader);
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
	lws_sul_cancel(&nd->feed->retry);
	pg_async_close(nd->feed->pg);
}

void
feed_free(struct feed *f)
{
	replay_free(f->reader);
	free(f);
}
