#include "service/integrations/search_servers.h"

#include "client/http_out.h"
#include "client/media_server.h"
#include "client/server_proof.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "model/media.h"
#include "service/call.h"
#include "service/integrations/servers.h"
#include "service/integrations/sync.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_search.h"

#include "core/banned.h"

#define WEIGHT 0.8
#define DEADLINE_MS 800
#define TEXT_MAX 500         /* bytes of what a server is asked for */
#define SYNC_PAUSE_MINUTES 5 /* a search requests no run sooner after the last one */

/* The servers of a search, and what they said. */
struct asked {
	struct search_run *run;
	struct server *servers;
	size_t n;
	struct media_server clients[HTTP_OUT_EACH_MAX];
	struct http_out outs[HTTP_OUT_EACH_MAX];
	struct http_answer answers[HTTP_OUT_EACH_MAX];
	struct error errors[HTTP_OUT_EACH_MAX];
	const char *ids[HTTP_OUT_EACH_MAX * MEDIA_SERVER_HITS_MAX];
	const char *keys[HTTP_OUT_EACH_MAX * MEDIA_SERVER_HITS_MAX];
	const char *sections[HTTP_OUT_EACH_MAX * MEDIA_SERVER_HITS_MAX];
	const char *ranks[HTTP_OUT_EACH_MAX * MEDIA_SERVER_HITS_MAX];
	size_t hits;
};

/* The words alone: a server would look for years and kinds in titles. */
static const char *
text_of(struct arena *arena, const struct search_query *q)
{
	struct buf buf;

	buf_init(&buf, arena, TEXT_MAX);
	for (size_t i = 0; i < q->nterms; i++)
		if (q->terms[i].kind == TERM_WORD || q->terms[i].kind == TERM_PHRASE)
			buf_addf(&buf, "%s%s", buf.len > 0 ? " " : "", q->terms[i].text);
	return buf.overflow ? "" : buf.data;
}

static void
hit_add(struct asked *a, const char *server, const struct server_hit *hit, size_t place)
{
	a->ids[a->hits] = server;
	a->keys[a->hits] = hit->key;
	a->sections[a->hits] = hit->section != NULL ? hit->section : "";
	a->ranks[a->hits++] = db_int(a->run->call->arena, -(int64_t)place);
}

/* False: this server has not said what it has. */
static bool
hits_read(struct asked *a, size_t i)
{
	struct server_hit *hits;
	size_t n;

	if (a->answers[i].end != CALL_ANSWERED ||
	    a->clients[i].kind->search_read(a->run->call->arena, &a->answers[i], &hits, &n,
		&a->errors[i]) != ANSWER_PRESENT)
		return false;
	for (size_t k = 0; k < n; k++)
		hit_add(a, a->servers[i].id, &hits[k], k);
	return true;
}

/* Asks all servers; SOURCE_OK: all have answered. */
static enum source_state
ask(struct asked *a, const char *text)
{
	const struct call *call = a->run->call;
	enum source_state state = SOURCE_OK;

	for (size_t i = 0; i < a->n; i++)
		a->clients[i].kind->search(call->arena, &a->clients[i], text, &a->outs[i]);
	if (a->run->deadline <= clock_monotonic())
		return SOURCE_TIMEOUT;
	server_call_each(call->arena, a->clients, a->n, a->run->deadline, a->outs, a->answers,
	    a->errors);
	for (size_t i = 0; i < a->n; i++) {
		if (hits_read(a, i))
			continue;
		state = a->answers[i].end == CALL_TIMEOUT ? SOURCE_TIMEOUT : SOURCE_ERROR;
		log_notice(call->svc->log, "search continues without the server %s: %s %s",
		    a->servers[i].name, a->errors[i].message, a->errors[i].detail);
	}
	return state;
}

static bool
request_syncs(const struct call *call, struct strings servers, struct strings sections,
    struct error *err)
{
	for (size_t i = 0; i < servers.n; i++)
		if (!sync_request(call, servers.items[i], sections.items[i], "event", err))
			return false;
	return true;
}

/* A failure here takes nothing from the search. */
static void
tell_sync(const struct call *call, const struct search_served *served)
{
	struct strings servers, sections;
	struct db *db = call->svc->db;
	struct error err;

	error_clear(&err);
	if (!store_search_unserved(db, call->arena, served, SYNC_PAUSE_MINUTES, &servers, &sections,
		&err) ||
	    (servers.n > 0 &&
		(!db_begin(db, &err) ||
		    !db_end(db, request_syncs(call, servers, sections, &err), &err))))
		log_notice(call->svc->log, "no run of the sync could be requested: %s",
		    err.message);
}

/* The hits as items of the catalogue. */
static bool
candidates(struct asked *a, struct ranked_list *list, struct error *err)
{
	const struct call *call = a->run->call;
	const struct search_served served = {
		.servers = { a->ids, a->hits },
		.keys = { a->keys, a->hits },
		.sections = { a->sections, a->hits },
		.ranks = { a->ranks, a->hits },
	};
	struct candidate *items;

	if (a->hits == 0)
		return true;
	if (!store_search_served(call->svc->db, call->arena, &a->run->ask, &served, &items,
		&list->n, err))
		return false;
	list->items = items;
	tell_sync(call, &served);
	return true;
}

/* Whether the servers can have anything that the filters let through. */
static bool
worth_asking(const struct search_run *run, const char *text)
{
	const struct search_ask *a = &run->ask;

	return *text != '\0' && a->owner == NULL &&
	    (a->source == NULL || !str_eq(a->source, MEDIA_SOURCE_UPLOAD));
}

static bool
servers_read(struct asked *a, struct error *err)
{
	const struct call *call = a->run->call;

	if (!store_search_servers(call->svc->db, call->arena, HTTP_OUT_EACH_MAX, &a->servers, &a->n,
		err))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!server_client(call, &a->servers[i], &a->clients[i], err))
			return false;
	return true;
}

static bool
search_servers(struct search_run *run, struct ranked_list *list, enum source_state *state)
{
	struct asked *a = arena_alloc(run->call->arena, sizeof(*a));
	const char *text = text_of(run->call->arena, &run->query);
	struct error err;

	a->run = run;
	error_clear(&err);
	*state = SOURCE_ERROR;
	if (!servers_read(a, &err)) {
		log_warn(run->call->svc->log, "search continues without its leg plex: %s %s",
		    err.message, err.detail);
		return false;
	}
	*state = a->n == 0 ? SOURCE_OFF : SOURCE_OK;
	if (a->n > 0 && worth_asking(run, text))
		*state = ask(a, text);
	if (!candidates(a, list, &err)) {
		log_warn(run->call->svc->log, "search continues without its leg plex: %s %s",
		    err.message, err.detail);
		*state = SOURCE_ERROR;
	}
	return *state == SOURCE_OK;
}

const struct search_leg search_servers_leg = {
	.name = "plex", .weight = WEIGHT, .deadline_ms = DEADLINE_MS, .ask = search_servers
};
