#include "service/account/revoke.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/job.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "service/account/token.h"
#include "store/pg.h"
#include "store/store_sessions.h"

#include "core/banned.h"

static bool
add_push_job(const struct call *call, struct json *payload, struct error *err)
{
	return job_add(call, JOB_SESSION_PUSH, payload->buf.data, NULL,
	    clock_now() + REVOKE_PUSH_RETRY_SECONDS * US_PER_SEC, err);
}

/* A session or an API token: Redis holds both in one set. */
static bool
add_ended_job(const struct call *call, const char *id, int64_t until, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);

	json_object(payload, NULL);
	json_put_str(payload, "sid", id);
	json_put_int(payload, "expiresAt", until);
	json_object_end(payload);
	return add_push_job(call, payload, err);
}

static bool
add_ended_jobs(const struct call *call, struct strings ids, int64_t until, struct error *err)
{
	for (size_t i = 0; i < ids.n; i++)
		if (!add_ended_job(call, ids.items[i], until, err))
			return false;
	return true;
}

static struct strings
joined(struct arena *arena, struct strings a, struct strings b)
{
	const char **items = arena_array(arena, a.n + b.n + 1, sizeof(*items));

	for (size_t i = 0; i < a.n + b.n; i++)
		items[i] = i < a.n ? a.items[i] : b.items[i - a.n];
	return (struct strings) { items, a.n + b.n };
}

/* In the transaction: ends the sessions and adds a job for each that repeats revoke_push(). */
static bool
end_sessions(const struct call *call, const struct session_end *end, struct revocation *rev,
    struct error *err)
{
	struct strings ended;

	if (!store_sessions_end(call->svc->db, call->arena, end, &ended, err))
		return false;
	rev->sids = joined(call->arena, rev->sids, ended);
	return add_ended_jobs(call, ended, rev->until, err);
}

/* Access tokens of a session that ends now expire before this. */
static void
set_until(const struct services *svc, struct revocation *rev)
{
	rev->until = clock_now() +
	    (config_int(svc->config, CFG_ACCESS_TTL) + 2 * TOKEN_SKEW_SECONDS) * US_PER_SEC;
}

bool
revoke_session(const struct call *call, const char *user_id, const char *sid, const char *reason,
    struct revocation *rev, struct error *err)
{
	set_until(call->svc, rev);
	rev->user_id = user_id;
	return end_sessions(call,
	    &(const struct session_end) {
		.session_id = sid,
		.reason = reason,
		.blacklist_until = rev->until,
	    },
	    rev, err);
}

bool
revoke_sessions(const struct call *call, const char *user_id, const char *except,
    const char *reason, struct revocation *rev, struct error *err)
{
	set_until(call->svc, rev);
	rev->user_id = user_id;
	return end_sessions(call,
	    &(const struct session_end) {
		.user_id = user_id,
		.except = except,
		.reason = reason,
		.blacklist_until = rev->until,
	    },
	    rev, err);
}

bool
revoke_generation(const struct call *call, const char *user_id, struct revocation *rev,
    struct error *err)
{
	struct json *payload = json_new(call->arena, 0);

	if (!store_generation_raise(call->svc->db, call->arena, user_id, &rev->generation, err))
		return false;
	rev->user_id = user_id;
	json_object(payload, NULL);
	json_put_str(payload, "user", user_id);
	json_put_int(payload, "generation", rev->generation);
	json_object_end(payload);
	return add_push_job(call, payload, err);
}

static int64_t
token_until(void)
{
	return clock_now() + REVOKE_TOKEN_SECONDS * US_PER_SEC;
}

bool
revoke_tokens(const struct call *call, struct strings ids, struct revocation *rev,
    struct error *err)
{
	rev->tokens = joined(call->arena, rev->tokens, ids);
	return add_ended_jobs(call, ids, token_until(), err);
}

bool
revoke_push(const struct call *call, const struct revocation *rev, struct error *err)
{
	struct error why;

	if ((rev->sids.n > 0 && !admission_push_revoked(call, rev->sids, rev->until, &why)) ||
	    (rev->tokens.n > 0 &&
		!admission_push_revoked(call, rev->tokens, token_until(), &why)) ||
	    (rev->generation > 0 &&
		!admission_push_generation(call, rev->user_id, rev->generation, &why))) {
		error_slug(err, ERR_UNAVAILABLE, "redis_unavailable",
		    "The change is saved, but has not reached every server yet. Try again"
		    " in a moment.");
		err->retry_after = REVOKE_PUSH_RETRY_SECONDS;
		return error_detail(err, "%s", why.detail);
	}
	for (size_t i = 0; i < rev->sids.n; i++)
		notify_session_ended(call, rev->user_id, rev->sids.items[i]);
	for (size_t i = 0; i < rev->tokens.n; i++)
		notify_session_ended(call, rev->user_id, rev->tokens.items[i]);
	return true;
}

bool
revoke_push_again(const struct call *call, const char *payload, struct error *err)
{
	const struct cJSON *tree = json_parse(call->arena, payload, strlen(payload), err);
	const char *sid, *user;

	if (tree == NULL)
		return false;
	sid = json_str(tree, "sid", NULL);
	user = json_str(tree, "user", NULL);
	if (user != NULL)
		return admission_push_generation(call, user, json_int(tree, "generation", 0), err);
	return sid != NULL &&
	    admission_push_revoked(call, (struct strings) { &sid, 1 },
		json_int(tree, "expiresAt", 0), err);
}
