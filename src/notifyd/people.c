#include "notifyd/notifyd.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/str.h"
#include "store/store_replay.h"

#include "core/banned.h"

#define PEOPLE_BUCKETS 4096

struct people {
	struct client *clients; /* all of them */
	size_t n;
	struct person *buckets[PEOPLE_BUCKETS];
};

struct people *
people_new(void)
{
	struct people *people = xmalloc(sizeof(*people));

	memset(people, 0, sizeof(*people));
	return people;
}

/* Call it after the last connection has closed, when no person is left. */
void
people_free(struct people *people)
{
	free(people);
}

/* FNV-1a of the id. */
static struct person **
people_bucket(struct people *people, const char *user)
{
	uint32_t hash = 2166136261u;

	while (*user != '\0')
		hash = (hash ^ (unsigned char)*user++) * 16777619u;
	return &people->buckets[hash % PEOPLE_BUCKETS];
}

static struct person *
people_find(const struct notifyd *nd, const char *user)
{
	struct person *p = *people_bucket(nd->people, user);

	while (p != NULL && strcmp(p->user, user) != 0)
		p = p->hash_next;
	return p;
}

bool
people_connected(const struct notifyd *nd, const char *user)
{
	return people_find(nd, user) != NULL;
}

void
people_add(struct notifyd *nd, struct client *c)
{
	c->next = nd->people->clients;
	if (c->next != NULL)
		c->next->prev = c;
	nd->people->clients = c;
	nd->people->n++;
}

void
people_join(struct notifyd *nd, struct client *c, const char *user)
{
	struct person *p = people_find(nd, user), **bucket;

	if (p == NULL) {
		p = xmalloc(sizeof(*p));
		*p = (struct person) { .last = -1, .want = -1 };
		str_copy(p->user, sizeof(p->user), user);
		bucket = people_bucket(nd->people, user);
		p->hash_next = *bucket;
		*bucket = p;
	}
	c->person = p;
	c->person_next = p->clients;
	if (c->person_next != NULL)
		c->person_next->person_prev = c;
	p->clients = c;
}

static void
person_free(struct notifyd *nd, struct person *p)
{
	struct person **at = people_bucket(nd->people, p->user);

	while (*at != p)
		at = &(*at)->hash_next;
	*at = p->hash_next;
	feed_forget_person(nd, p);
	free(p);
}

void
people_remove(struct notifyd *nd, struct client *c)
{
	struct person *p = c->person;

	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		nd->people->clients = c->next;
	nd->people->n--;
	if (p == NULL)
		return;
	if (c->person_next != NULL)
		c->person_next->person_prev = c->person_prev;
	if (c->person_prev != NULL)
		c->person_prev->person_next = c->person_next;
	else
		p->clients = c->person_next;
	if (p->clients == NULL)
		person_free(nd, p);
}

size_t
people_count(const struct notifyd *nd)
{
	return nd->people->n;
}

struct client *
people_first(const struct notifyd *nd)
{
	return nd->people->clients;
}

void
people_tick(struct notifyd *nd)
{
	int64_t now = clock_monotonic();

	for (struct client *c = nd->people->clients; c != NULL; c = c->next)
		client_tick(c, now);
}

void
people_close_all(struct notifyd *nd, int code, const char *reason)
{
	for (struct client *c = nd->people->clients; c != NULL; c = c->next)
		client_close(c, code, 503, reason, false);
}

/*
 * A client that is still catching up after a break will be told to fetch everything again, so it
 * does not need these events.
 */
static void
client_event(struct client *c, struct event *ev)
{
	if (c->state == CLIENT_LIVE ? c->caught_up || c->after < 0 :
				      c->state == CLIENT_VERIFY && c->after < 0)
		client_send(c, ev);
}

void
people_event(struct notifyd *nd, const char *user, struct event *ev)
{
	struct person *p;

	if (user == NULL) {
		for (struct client *c = nd->people->clients; c != NULL; c = c->next)
			client_event(c, ev);
	} else if ((p = people_find(nd, user)) != NULL) {
		for (struct client *c = p->clients; c != NULL; c = c->person_next)
			client_event(c, ev);
	}
}

static void
client_resync(struct client *c)
{
	struct event *ev;

	c->resync_due = false;
	ev = event_plain(&c->nd->scratch, "resync");
	client_send(c, ev);
	event_release(ev);
}

/*
 * Sends the event to the person's clients that have caught up, except those that already have it.
 */
static void
person_dispatch(struct person *p, struct event *ev)
{
	for (struct client *c = p->clients; c != NULL; c = c->person_next) {
		if (c->state != CLIENT_LIVE || !c->caught_up || ev->seq <= c->last)
			continue;
		c->last = ev->seq;
		client_send(c, ev);
	}
	p->last = ev->seq;
}

static void
person_resync(struct person *p)
{
	for (struct client *c = p->clients; c != NULL; c = c->person_next) {
		if (c->state == CLIENT_LIVE && c->caught_up)
			client_resync(c);
	}
}

void
people_notification(struct notifyd *nd, const char *user, struct event *ev)
{
	struct person *p = people_find(nd, user);

	if (p == NULL || (p->last >= 0 && ev->seq <= p->last))
		return;
	if (p->last >= 0 && ev->seq == p->last + 1 && !p->fetching) {
		person_dispatch(p, ev);
		return;
	}
	/*
	 * Out of order, or no client has caught up yet: read the rows, which were committed before
	 * the push.
	 */
	if (ev->seq > p->want)
		p->want = ev->seq;
	if (p->last >= 0)
		feed_person(nd, p);
}

void
people_end_session(struct notifyd *nd, const char *user, const char *sid)
{
	struct person *p = people_find(nd, user);

	if (p == NULL)
		return;
	for (struct client *c = p->clients; c != NULL; c = c->person_next) {
		if (sid == NULL || strcmp(c->sid, sid) == 0)
			client_session_ended(c);
	}
}

void
people_resumed(struct notifyd *nd)
{
	for (struct client *c = nd->people->clients; c != NULL; c = c->next) {
		if (c->state != CLIENT_LIVE)
			continue;
		if (c->caught_up) {
			feed_person(nd, c->person);
			client_resync(c);
		} else {
			c->resync_due = true;
		}
	}
}

/*
 * The person's counter differs from our position: there are rows to read, or the database was
 * restored from a backup. The live stream may have advanced during the check, so only a counter
 * below the one in our question means a restored database.
 */
void
people_counter(struct notifyd *nd, struct person *p, int64_t asked, int64_t last_seq)
{
	if (p->last < 0)
		return;
	if (last_seq > p->last)
		feed_person(nd, p);
	if (last_seq >= asked)
		return;
	p->last = p->want = last_seq;
	for (struct client *c = p->clients; c != NULL; c = c->person_next)
		c->last = c->last > last_seq ? last_seq : c->last;
	person_resync(p);
}

void
people_person_replay(struct notifyd *nd, struct person *p, const struct replay *replay)
{
	bool missing = false;

	for (size_t i = 0; i < replay->n; i++) {
		struct event *ev = event_of_replay(&replay->events[i]);

		missing = missing || ev->seq != p->last + 1;
		if (ev->seq > p->last)
			person_dispatch(p, ev);
		event_release(ev);
	}
	if (replay->n == NOTIFYD_REPLAY_ROWS) {
		feed_person(nd, p);
		return;
	}
	/* Rows that are neither here nor newer have been removed since. */
	missing = missing || replay->last_seq > p->last;
	if (missing)
		person_resync(p);
	if (replay->last_seq > p->last)
		p->last = replay->last_seq;
	p->want = p->last; /* a push during this read has requested another one */
}

/* The replay has reached the end of the rows: may this connection join the live stream? */
static void
client_catch_up(struct client *c, int64_t last_seq)
{
	struct person *p = c->person;

	if (last_seq > c->last)
		c->last = last_seq;
	if (p->last < 0) {
		p->last = c->last;
	} else if (c->last < p->last) {
		feed_client(c->nd, c); /* the others have advanced since */
		return;
	}
	c->caught_up = true;
	if (c->last > p->last || p->want > p->last)
		feed_person(c->nd, p);
	if (c->resync_due)
		client_resync(c);
}

/* May the connection continue? The first result makes it live. */
static bool
client_judge(struct client *c, const struct replay *replay)
{
	if (!replay->known || !replay->holds) {
		client_session_ended(c);
		return false;
	}
	if (c->state != CLIENT_VERIFY)
		return true;
	/* A client that reconnects may have missed events that are not notifications. */
	c->resync_due = c->after >= 0;
	c->last = replay->after > replay->last_seq ? replay->last_seq : replay->after;
	c->state = CLIENT_LIVE;
	c->since = clock_monotonic();
	if (c->head != NULL)
		lws_callback_on_writable(c->wsi);
	return true;
}

void
people_client_replay(struct notifyd *nd, struct client *c, const struct replay *replay)
{
	size_t i;

	if (c->state == CLIENT_CLOSING || !client_judge(c, replay))
		return;
	for (i = 0; i < replay->n; i++) {
		struct event *ev = event_of_replay(&replay->events[i]);
		bool room = ev->seq <= c->last || client_queue(c, ev);

		if (room && ev->seq > c->last)
			c->last = ev->seq;
		event_release(ev);
		if (!room)
			break;
	}
	if (i < replay->n)
		/* the queue is full: continue from here when it has drained */
		c->replay_waits = true;
	else if (i == NOTIFYD_REPLAY_ROWS && c->queued_bytes >= NOTIFYD_QUEUE_LOW)
		c->replay_waits = true;
	else if (i == NOTIFYD_REPLAY_ROWS)
		feed_client(nd, c);
	else
		client_catch_up(c, replay->last_seq);
}
