#include "service/account/revoke.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "service/account/token.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_sessions.h"

#include "core/banned.h"

static bool
add_push_job(const struct call *call, struct json *payload, struct error *err)
{
	const struct job_new job = {
		.kind = JOB_SESSION_PUSH,
		.queue = "quick",
		.payload = payload->buf.data,
		.run_at = clock_now() + REVOKE_PUSH_RETRY_SECONDS * US_PER_SEC,
	};

	return store_job_add(call->svc->db, call->arena, &job, err);
}

static bool
note_ended(const struct call *call, const struct rows *ended, const char *user_id,
    struct revocation *rev, struct error *err)
{
	size_t i, n = rows_count(ended);
	const char **sids = arena_array(call->arena, rev->n + n + 1, sizeof(*sids));

	if (rev->n > 0)
		memcpy(sids, rev->sids, rev->n * sizeof(*sids));
	for (i = 0; i < n; i++) {
		struct json *payload = json_new(call->arena, 0);

		sids[rev->n + i] = rows_str(ended, i, 0);
		json_object(payload, NULL);
		json_put_str(payload, "sid", sids[rev->n + i]);
		json_put_int(payload, "expiresAt", rev->until);
		json_object_end(payload);
		if (!add_push_job(call, payload, err))
			return false;
	}
	rev->sids = sids;
	rev->n += n;
	rev->user_id = user_id;
	return true;
}

/* No access token of a session that ends now lives longer than this. */
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
	struct rows *ended;

	set_until(call->svc, rev);
	return store_session_revoke(call->svc->db, call->arena, sid, reason, rev->until, &ended,
		   err) &&
	    note_ended(call, ended, user_id, rev, err);
}

bool
revoke_sessions(const struct call *call, const char *user_id, const char *except,
    const char *reason, struct revocation *rev, struct error *err)
{
	struct rows *ended;

	set_until(call->svc, rev);
	return store_sessions_revoke(call->svc->db, call->arena, user_id, except, reason,
		   rev->until, &ended, err) &&
	    note_ended(call, ended, user_id, rev, err);
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

bool
revoke_push(const struct call *call, const struct revocation *rev, struct error *err)
{
	struct error why;

	if ((rev->n > 0 && !admission_push_revoked(call, rev->sids, rev->n, rev->until, &why)) ||
	    (rev->generation > 0 &&
		!admission_push_generation(call, rev->user_id, rev->generation, &why))) {
		error_slug(err, ERR_UNAVAILABLE, "redis_unavailable",
		    "It is done, but not every server knows yet. Try again in a moment.");
		err->retry_after = REVOKE_PUSH_RETRY_SECONDS;
		return error_detail(err, "%s", why.detail);
	}
	for (size_t i = 0; i < rev->n; i++)
		notify_session_ended(call, rev->user_id, rev->sids[i]);
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
	    admission_push_revoked(call, &sid, 1, json_int(tree, "expiresAt", 0), err);
}
