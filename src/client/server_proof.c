#include "client/server_proof.h"

#include <stdlib.h>
#include <string.h>

#include "client/http_out.h"
#include "client/media_server.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"

#include "core/banned.h"

#define ROUNDS 2 /* the second one for connections that had died */

/* What this process knows. Addresses that do not fit are asked each time. */
static struct proof {
	char url[HTTP_OUT_ORIGIN_MAX], machine_id[MEDIA_SERVER_KEY_MAX + 1];
	int64_t at; /* clock_boottime(): a suspended machine may wake up elsewhere; 0: free */
} proofs[SERVER_PROOFS_MAX];

static bool
guarded(const struct media_server *server)
{
	return server->token != NULL && server->machine_id != NULL;
}

static struct proof *
find(const char *url)
{
	for (size_t i = 0; i < SERVER_PROOFS_MAX; i++)
		if (proofs[i].at != 0 && str_eq(proofs[i].url, url))
			return &proofs[i];
	return NULL;
}

static bool
holds(const struct media_server *server)
{
	const struct proof *proof = find(server->url);

	return proof != NULL && str_eq(proof->machine_id, server->machine_id) &&
	    clock_boottime() - proof->at < SERVER_PROOF_S * US_PER_SEC;
}

static void
forget(const struct media_server *server)
{
	struct proof *proof = find(server->url);

	if (proof != NULL)
		proof->at = 0;
}

static void
keep(const struct media_server *server)
{
	struct proof *proof = find(server->url);

	for (size_t i = 0; proof == NULL && i < SERVER_PROOFS_MAX; i++)
		if (proofs[i].at == 0)
			proof = &proofs[i];
	if (proof == NULL) {
		proof = &proofs[0];
		for (size_t i = 1; i < SERVER_PROOFS_MAX; i++)
			if (proofs[i].at < proof->at)
				proof = &proofs[i];
	}
	proof->at = 0;
	if (str_copy(proof->url, sizeof(proof->url), server->url) < sizeof(proof->url) &&
	    str_copy(proof->machine_id, sizeof(proof->machine_id), server->machine_id) <
		sizeof(proof->machine_id))
		proof->at = clock_boottime();
}

bool
server_proof_note(const struct media_server *server, const struct server_identity *who,
    struct error *err)
{
	if (server->machine_id == NULL)
		return true;
	if (str_eq(server->machine_id, who->machine_id)) {
		keep(server);
		return true;
	}
	forget(server);
	return error_slug(err, ERR_UPSTREAM, "server_changed",
	    "Another installation responds at the server's address. Confirm that it is the same"
	    " server, or correct the address.");
}

/* Without a response, the address may be somebody else's by the next request. */
static void
told(const struct media_server *server, const struct http_answer *got)
{
	if (got->end != CALL_ANSWERED)
		forget(server);
}

bool
server_call(struct arena *arena, const struct media_server *server, struct http_out *out,
    struct http_answer *got, struct error *err)
{
	struct server_identity who;

	out->kept = guarded(server);
	if (!out->kept)
		return http_out(arena, out, got, err);
	*got = (struct http_answer) { .end = CALL_NOT_KEPT };
	if (holds(server)) {
		(void)http_out(arena, out, got, err);
		told(server, got);
	}
	if (got->end != CALL_NOT_KEPT)
		return got->end == CALL_ANSWERED;
	error_clear(err);
	if (server->kind->check(arena, server, &who, err) != ANSWER_PRESENT ||
	    !server_proof_note(server, &who, err))
		return false;
	out->kept = false;
	(void)http_out(arena, out, got, err);
	told(server, got);
	return got->end == CALL_ANSWERED;
}

/* --- several at the same time ----------------------------------------------------------------- */

struct crowd {
	const struct media_server *servers;
	size_t n;
	int64_t deadline;
	struct http_out *outs;
	struct http_answer *answers;
	struct error *errors;
	bool pending[HTTP_OUT_EACH_MAX]; /* nothing was sent to it yet */
	/* The calls of one step, and whose they are. */
	struct http_out calls[HTTP_OUT_EACH_MAX];
	struct http_answer got[HTTP_OUT_EACH_MAX];
	struct error why[HTTP_OUT_EACH_MAX];
	size_t whose[HTTP_OUT_EACH_MAX];
	size_t ncalls;
};

static void
call_add(struct crowd *crowd, size_t i, const struct http_out *out)
{
	crowd->calls[crowd->ncalls] = *out;
	crowd->whose[crowd->ncalls++] = i;
}

static void
call_all(struct arena *arena, struct crowd *crowd)
{
	int64_t left = (crowd->deadline - clock_monotonic()) / US_PER_MS;

	for (size_t k = 0; k < crowd->ncalls; k++)
		crowd->calls[k].timeout_ms = left < 1 ? 1 : (int)left;
	http_out_each(arena, crowd->calls, crowd->ncalls, crowd->got, crowd->why);
}

/* The end of what was asked of a server. */
static void
settle(struct crowd *crowd, size_t i, enum call_end end, const struct error *why)
{
	crowd->pending[i] = false;
	crowd->answers[i].end = end;
	crowd->errors[i] = *why;
}

static void
prove_all(struct arena *arena, struct crowd *crowd)
{
	struct server_identity who;

	crowd->ncalls = 0;
	for (size_t i = 0; i < crowd->n; i++) {
		const struct media_server *server = &crowd->servers[i];
		struct http_out out = { .purpose = crowd->outs[i].purpose };

		crowd->outs[i].kept = guarded(server);
		if (!crowd->pending[i] || !guarded(server) || holds(server))
			continue;
		server->kind->who(arena, server, &out);
		call_add(crowd, i, &out);
	}
	call_all(arena, crowd);
	for (size_t k = 0; k < crowd->ncalls; k++) {
		size_t i = crowd->whose[k];
		const struct media_server *server = &crowd->servers[i];

		if (crowd->got[k].end != CALL_ANSWERED)
			settle(crowd, i, crowd->got[k].end, &crowd->why[k]);
		else if (server->kind->who_read(arena, &crowd->got[k], &who, &crowd->why[k]) !=
			ANSWER_PRESENT ||
		    !server_proof_note(server, &who, &crowd->why[k]))
			settle(crowd, i, CALL_PROTOCOL, &crowd->why[k]);
		else
			crowd->outs[i].kept = false;
	}
}

static void
ask_all(struct arena *arena, struct crowd *crowd)
{
	crowd->ncalls = 0;
	for (size_t i = 0; i < crowd->n; i++)
		if (crowd->pending[i])
			call_add(crowd, i, &crowd->outs[i]);
	call_all(arena, crowd);
	for (size_t k = 0; k < crowd->ncalls; k++) {
		size_t i = crowd->whose[k];

		told(&crowd->servers[i], &crowd->got[k]);
		settle(crowd, i, crowd->got[k].end, &crowd->why[k]);
		crowd->answers[i] = crowd->got[k];
		crowd->pending[i] = crowd->got[k].end == CALL_NOT_KEPT;
	}
}

void
server_call_each(struct arena *arena, const struct media_server *servers, size_t n,
    int64_t deadline, struct http_out *outs, struct http_answer *answers, struct error *errors)
{
	struct crowd *crowd = arena_alloc(arena, sizeof(*crowd));

	*crowd = (struct crowd) { .servers = servers,
		.n = n,
		.deadline = deadline,
		.outs = outs,
		.answers = answers,
		.errors = errors };
	for (size_t i = 0; i < n; i++)
		crowd->pending[i] = true;
	for (int round = 0; round < ROUNDS; round++) {
		prove_all(arena, crowd);
		ask_all(arena, crowd);
	}
}
